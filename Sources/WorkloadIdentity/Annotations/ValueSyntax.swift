/// What may be written as the value of an annotation or a setting.
public struct ValueSyntax: Sendable {
    /// What a good value looks like, as the end of "write …".
    public let expected: String
    let accepts: @Sendable (String) -> Bool
    /// Whether it is the audience of a token that is meant.
    let isAudience: Bool
    /// Looks closer at a value that is not accepted.
    private let diagnosis: @Sendable (String) -> Fault

    /// What is wrong with a value.
    struct Fault {
        /// The part that is wrong, as a clause. `nil`: nothing can be said of a part.
        var part: String?
        /// What was likely meant, if it is accepted.
        var meant: String?
        /// What to do, in place of "write …".
        var advice: String?
    }

    init(
        _ expected: String, isAudience: Bool = false,
        diagnosis: @escaping @Sendable (String) -> Fault = { _ in Fault() },
        accepts: @escaping @Sendable (String) -> Bool
    ) {
        self.expected = expected
        self.isAudience = isAudience
        self.diagnosis = diagnosis
        self.accepts = accepts
    }

    /// What is wrong with a value that is not accepted. What is meant is a value that is.
    func fault(in value: String) -> Fault {
        var fault = diagnosis(value)
        fault.meant = ([fault.meant] + Self.slips(in: value)).compactMap(\.self).first(where: accepts)
        if fault.part == nil, Self.isPlaceholder(value) { fault.part = "it is a placeholder" }
        return fault
    }

    /// What is wrong with a value that is not accepted, and what to write, as a sentence that begins with the key.
    func refusal(of value: String) -> String {
        let fault = fault(in: value)
        let part = fault.part.map { ": \($0)" } ?? ""
        let wayOut = fault.meant.map { "did you mean \"\($0.shortened)\"?" } ?? fault.advice ?? "write \(expected)"
        return "is \"\(value.shortened)\"\(part); \(wayOut)"
    }

    /// What is copied along with a value, or comes of another's spelling.
    private static func slips(in value: String) -> [String?] {
        let quotes = "\"'`<>"
        let bare = String(value.drop { quotes.contains($0) }.reversed().drop { quotes.contains($0) }.reversed())
        return [bare, bare.lowercased(), bare.hasSuffix("/") ? String(bare.dropLast()) : nil]
    }

    private static func isPlaceholder(_ value: String) -> Bool {
        value.contains("${") || value.contains("<") && value.contains(">")
    }

    static let anything = ValueSyntax("any text") { _ in true }
    /// No pod has as many containers. Each name may cost a search and a message.
    static let list = ValueSyntax("names separated by commas, 100 at most") {
        (1...100).contains(ValueSyntax.names(in: $0).count)
    }
    /// The spellings that Go's `strconv.ParseBool` takes, and so the vendors' webhooks.
    static let boolean = ValueSyntax(
        "\"true\" or \"false\"", diagnosis: { Fault(meant: meaning(of: $0, among: ["true", "false"])) }
    ) { isTrue($0) || isFalse($0) }
    static func isTrue(_ value: String) -> Bool { ["1", "t", "T", "TRUE", "true", "True"].contains(value) }
    private static func isFalse(_ value: String) -> Bool { ["0", "f", "F", "FALSE", "false", "False"].contains(value) }
    static let seconds = ValueSyntax(
        "a whole number of seconds, such as \"3600\"",
        diagnosis: { Fault(meant: Duration.seconds(writtenAs: $0).map(String.init)) }
    ) { Int($0) != nil }

    static func oneOf(_ values: [String]) -> ValueSyntax {
        let quoted = values.map { "\"\($0)\"" }.joined(separator: ", ")
        return ValueSyntax(
            values.count == 1 ? quoted : "one of \(quoted)",
            diagnosis: { Fault(meant: meaning(of: $0, among: values)) }
        ) { values.contains($0) }
    }

    /// The one of some words that is meant by another.
    static func meaning(of word: String, among values: [String]) -> String? {
        let synonyms = [
            "yes": "true", "on": "true", "enabled": "true", "no": "false", "off": "false", "disabled": "false",
        ]
        return synonyms[word.lowercased()].flatMap { values.contains($0) ? $0 : nil }
            ?? Spelling.nearest(to: word, among: values)
    }

    /// An audience is an opaque string; white space in it is a mistake.
    static let audience = ValueSyntax("an audience without white space", isAudience: true) { value in
        (1...1024).contains(value.utf8.count) && value.utf8.allSatisfy { (0x21...0x7E).contains($0) }
    }

    /// RFC 9562 section 4.
    static let uuid = ValueSyntax(
        "a UUID, such as \"00000000-0000-0000-0000-000000000000\"", diagnosis: { faultOfUUID($0) }
    ) { value in
        let groups = value.split(separator: "-", omittingEmptySubsequences: false)
        return groups.map(\.utf8.count) == [8, 4, 4, 4, 12]
            && groups.allSatisfy { $0.utf8.allSatisfy(\.isHexadecimalDigit) }
    }

    private static func faultOfUUID(_ value: String) -> Fault {
        let digits = value.filter { $0 != "-" && $0 != "{" && $0 != "}" }
        guard digits.utf8.allSatisfy(\.isHexadecimalDigit) else { return Fault() }
        guard digits.utf8.count == 32 else {
            return Fault(part: "it has \(digits.utf8.count) hexadecimal digits, and a UUID has 32")
        }
        var rest = Substring(digits)
        let groups = [8, 4, 4, 4, 12].map { length in
            defer { rest = rest.dropFirst(length) }
            return rest.prefix(length)
        }
        return Fault(meant: groups.joined(separator: "-"))
    }

    /// An id that its vendor publishes no form of: anything that stays one word.
    static let opaqueID = ValueSyntax("an id without white space") { value in
        (1...256).contains(value.utf8.count)
            && value.utf8.allSatisfy { (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "$") }
    }

    static func prefixed(_ prefix: String, orLiteral literal: String? = nil) -> ValueSyntax {
        let expected = "an id that begins with \"\(prefix)\"" + (literal.map { ", or \"\($0)\"" } ?? "")
        return ValueSyntax(
            expected, diagnosis: { $0 == prefix ? Fault(part: "nothing follows the prefix") : Fault() }
        ) { value in
            value == literal
                || value.hasPrefix(prefix) && value.utf8.count > prefix.utf8.count && value.utf8.count <= 256
                    && value.utf8.allSatisfy { $0.isWordByte || $0 == UInt8(ascii: "-") }
        }
    }

    static let vaultRole = ValueSyntax("a role's name: letters, digits, \".\", \"_\" and \"-\"") { value in
        (1...256).contains(value.utf8.count) && value.utf8.allSatisfy { $0.isWordByte || ".-".utf8.contains($0) }
    }

    /// Goes into a template of Vault's agent, so nothing that could end a string may get in.
    static let vaultPath = ValueSyntax(
        "the secret's API path, such as \"secret/data/ai/openai\": letters, digits, \".\", \"_\", \"-\" and \"/\"",
        diagnosis: { Fault(meant: $0.split(separator: "/").joined(separator: "/")) }
    ) { value in
        (1...512).contains(value.utf8.count) && value.utf8.allSatisfy { $0.isWordByte || ".-/".utf8.contains($0) }
            && !value.hasPrefix("/") && !value.hasSuffix("/")
            && value.split(separator: "/", omittingEmptySubsequences: false).allSatisfy {
                !$0.isEmpty && !isRelative($0)
            }
    }

    /// The path of a secret: not Vault's own ways to log in and to be administered.
    static let secretPath = ValueSyntax(
        vaultPath.expected,
        diagnosis: { value in
            let first = value.prefix { $0 != "/" }
            return isVaultsOwn(first)
                ? Fault(part: "\"\(first)/\" is Vault's own, and holds no secrets") : vaultPath.diagnosis(value)
        }
    ) { value in
        vaultPath.accepts(value) && !isVaultsOwn(value.prefix { $0 != "/" })
    }

    private static func isVaultsOwn(_ mount: Substring) -> Bool { mount == "auth" || mount == "sys" }

    /// Whether a part of a path means another part: programs differ in what they make of it.
    static func isRelative(_ part: Substring) -> Bool { part == "." || part == ".." }

    static let vaultField = ValueSyntax(
        "a field's name: letters, digits, \".\", \"_\" and \"-\"", accepts: vaultRole.accepts)

    /// The names in a list, separated by commas or semicolons, as each of the vendors' webhooks takes one of the two.
    /// EKS' reads its list as CSV, so that a name may stand in quotes.
    static func names(in list: String) -> [String] {
        list.filter { $0 != "\"" }.split { $0 == "," || $0 == ";" }.map { $0.trimmingWhitespace }.filter { !$0.isEmpty }
    }
}

extension Duration {
    /// The seconds of a duration as Go writes it, such as `1h30m`; `nil` if the text is none, or longer than a year.
    static func seconds(writtenAs text: String) -> Int? {
        let units: [Character: Int] = ["s": 1, "m": 60, "h": 3600, "d": 86400]
        var total = 0
        var rest = Substring(text.lowercased())
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isASCII && $0.isNumber }
            rest = rest.dropFirst(digits.count)
            guard (1...8).contains(digits.count), let number = Int(digits),
                let unit = rest.popFirst().flatMap({ units[$0] })
            else { return nil }
            total += number * unit
            guard total <= 366 * 86400 else { return nil }
        }
        return total > 0 ? total : nil
    }
}

extension UInt8 {
    var isDigit: Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self) }
    var isLowercaseLetter: Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(self) }
    var isHexadecimalDigit: Bool { isDigit || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(self | 0x20) }
    /// A lower-case letter, a digit or a hyphen.
    var isLowercaseNameByte: Bool { isLowercaseLetter || isDigit || self == UInt8(ascii: "-") }
    /// A letter, a digit or an underscore.
    var isWordByte: Bool {
        isDigit || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(self | 0x20) || self == UInt8(ascii: "_")
    }
}

extension StringProtocol {
    var trimmingWhitespace: String {
        String(drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
    }
}
