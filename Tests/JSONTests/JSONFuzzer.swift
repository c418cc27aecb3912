import Foundation
import GeneratedPods
import JSON

/// Makes up JSON texts, valid and nearly valid, and patches that nearly fit: the same ones for the same seed.
struct JSONFuzzer {
    private var numbers: RandomNumbers

    init(seed: Int) {
        numbers = RandomNumbers(seed: UInt64(seed))
    }

    /// How many inputs a test tries: as many as a debug build does in a second or two, or `JSON_FUZZ_INPUTS`.
    static let inputs = ProcessInfo.processInfo.environment["JSON_FUZZ_INPUTS"].flatMap(Int.init) ?? 2000

    // MARK: Texts

    /// A text that may or may not be valid.
    mutating func text() -> [UInt8] {
        var text: [UInt8] =
            switch below(200) {
            case 0: PodGenerator.pod(using: &numbers).serialized()
            case 1...2: nestedText(around: 500 + below(30))
            case 3...20: (0..<below(20)).flatMap { _ in Array(any(of: Self.pieces)) }
            case 21...100: any(of: Self.corpus)
            default: validText()
            }
        if below(3) > 0 {
            for _ in 0...below(4) { mutate(&text) }
        }
        return text
    }

    mutating func validText() -> [UInt8] {
        var text: [UInt8] = []
        writeValue(to: &text, depth: 1 + below(4))
        return text
    }

    private mutating func nestedText(around depth: Int) -> [UInt8] {
        let isObject = below(2) == 0
        let opening = Array((isObject ? #"{"a":"# : "[").utf8)
        let closing = Array((isObject ? "}" : "]").utf8)
        return [[UInt8]](repeating: opening, count: depth).flatMap(\.self) + Array("0".utf8)
            + [[UInt8]](repeating: closing, count: depth).flatMap(\.self)
    }

    private mutating func writeValue(to text: inout [UInt8], depth: Int) {
        writeSpace(to: &text)
        switch below(depth > 0 ? 9 : 5) {
        case 0: text += any(of: ["null", "true", "false"]).utf8
        case 1, 2: writeNumber(to: &text)
        case 3, 4: writeString(to: &text)
        case 5, 6:
            text.append(UInt8(ascii: "["))
            for index in 0..<below(4) {
                if index > 0 { text.append(UInt8(ascii: ",")) }
                writeValue(to: &text, depth: depth - 1)
            }
            text.append(UInt8(ascii: "]"))
        default:
            text.append(UInt8(ascii: "{"))
            for index in 0..<below(4) {
                if index > 0 { text.append(UInt8(ascii: ",")) }
                writeSpace(to: &text)
                writeString(to: &text)
                writeSpace(to: &text)
                text.append(UInt8(ascii: ":"))
                writeValue(to: &text, depth: depth - 1)
            }
            text.append(UInt8(ascii: "}"))
        }
        writeSpace(to: &text)
    }

    private mutating func writeSpace(to text: inout [UInt8]) {
        if below(6) == 0 { text += any(of: [" ", "\n", "\r\n", "\t", "          "]).utf8 }
    }

    private mutating func writeNumber(to text: inout [UInt8]) {
        if below(3) == 0 { text.append(UInt8(ascii: "-")) }
        text += any(of: ["0", "1", "12", "9223372036854775807", "9223372036854775808", "123456789012345678901"]).utf8
        if below(3) == 0 { text += any(of: [".0", ".5", ".000000000000000000001", ".25"]).utf8 }
        if below(3) == 0 { text += any(of: ["e0", "E5", "e+10", "e-7", "E300", "e-400", "e400", "e007"]).utf8 }
    }

    private mutating func writeString(to text: inout [UInt8]) {
        text.append(UInt8(ascii: "\""))
        for _ in 0..<below(4) { text += any(of: Self.stringParts).utf8 }
        text.append(UInt8(ascii: "\""))
    }

    // MARK: Mutations

    private mutating func mutate(_ text: inout [UInt8]) {
        let place = below(text.count + 1)
        let end = min(text.count, place + below(9))
        switch below(9) {
        case 0 where place < text.count: text[place] ^= 1 << UInt8(below(8))
        case 1 where place < text.count: text[place] = UInt8(below(256))
        case 2: text.removeSubrange(place...)
        case 3: text.removeSubrange(place..<end)
        case 4: text.insert(contentsOf: text[place..<end], at: place)
        case 5: text.insert(contentsOf: any(of: Self.corpus), at: place)
        case 6: text.insert(any(of: Array(#"{}[],:"\"#.utf8)), at: place)
        case 7 where place < text.count: text.swapAt(place, below(text.count))
        default: text.insert(contentsOf: any(of: Self.pieces), at: place)
        }
    }

    // MARK: Patches

    /// A reference token of any kind: often one that looks like an index, an escape, or half of a character.
    mutating func token() -> String {
        if below(3) == 0 { return any(of: Self.tokens) }
        return (0..<below(4)).map { _ in any(of: Self.tokenParts) }.joined()
    }

    mutating func value() -> JSONValue {
        (try? JSONValue(parsing: validText())) ?? .null
    }

    /// An operation on a place that is there, or on one that could be, or on none.
    mutating func operation(on value: JSONValue) -> JSONPatch.Operation {
        var pointer = any(of: places(in: value))
        for _ in 0..<any(of: [0, 0, 1, 1, 2]) { pointer = pointer.appending(token()) }
        switch below(4) {
        case 0: return .remove(pointer)
        case 1: return .replace(pointer, self.value())
        case 2: return .test(pointer, value.part(at: pointer) ?? self.value())
        default: return .add(pointer, self.value())
        }
    }

    /// Where RFC 6902 section 4.1 lets something be added.
    mutating func placeToAdd(to value: JSONValue) -> JSONPointer {
        let pointer = any(of: places(in: value))
        return switch value.part(at: pointer) {
        case .object?: pointer.appending(token())
        case .array(let elements)?:
            below(4) == 0 ? pointer.appending("-") : pointer.appending(below(elements.count + 1))
        default: pointer
        }
    }

    private func places(in value: JSONValue, at pointer: JSONPointer = JSONPointer()) -> [JSONPointer] {
        switch value {
        case .array(let elements):
            [pointer] + elements.indices.flatMap { places(in: elements[$0], at: pointer.appending($0)) }
        case .object(let members):
            // Of members with the same name the last one counts.
            [pointer]
                + members.keys.flatMap { key in members[key].map { places(in: $0, at: pointer.appending(key)) } ?? [] }
        default: [pointer]
        }
    }

    // MARK: Choices

    mutating func below(_ count: Int) -> Int {
        Int(numbers.next() % UInt64(max(count, 1)))
    }

    /// None of the lists is empty.
    private mutating func any<Element>(of elements: [Element]) -> Element {
        elements[below(elements.count)]
    }
}

extension JSONFuzzer {
    private static let corpus: [[UInt8]] = [
        #"{"kind":"AdmissionReview","request":{"uid":"a-b","object":{"metadata":{"labels":null}},"dryRun":false}}"#,
        #"{"z":"q\"\\\n\u0001é","a":[true,null,{}],"m":-1.5e3}"#, #"{"a":1,"a":2}"#, #"{"é":1,"e\u0301":2}"#,
        #"[0,-0,1.10,1E400,1e-400,123456789012345678901234567890]"#, #""\u00e9\ud83d\ude00\n\/""#, #""\ud800""#,
        #""\udc00\ud800""#, #""\ud800\u0041""#, #""\u12""#, #""\u12g4""#, #""\uD83D\""#, "[1,]", "[1 2]", "{\"a\"}",
        "01",
        "1.", ".5", "1e", "-", "nul", "truefalse", "[]]", " [ [ ] , { } ] ", "\"a\u{7f}\u{2028}\u{fffe}\u{10ffff}\"",
        "", "\u{feff}1", "1\u{0}", "\"\u{1f}\"", "\"12345678\"", "\"1234567é\"", "\"1234567\\n\"", "{\"\":\"\"}", "NaN",
        #""\ud83d\udbff""#, #""\ud83d\ue000""#, "\"1234\u{1f}5678\"", "\"\u{0}1234567\"", "\"1234567\u{7f}\"",
        "\" 1234567\"",
    ].map { Array($0.utf8) }

    /// What grammars trip over, and bytes that are not UTF-8: too long, half of a pair, cut off, out of range.
    private static let pieces: [[UInt8]] =
        [
            "{", "}", "[", "]", ",", ":", "\"", "\\", "\\u", "\\ud800", "\\udc00", "\\u0000", "0", "-", ".", "e", "E+",
            "1e9999",
            "true", "null", "fals", " ", "\n", "\u{b}", "\u{a0}", "\u{feff}", "\u{301}", "/**/", "'a'", "\"a\":",
            "[[[[", "{\"\":",
            "\"\"", "99999999999999999999", "Infinity",
        ].map { Array($0.utf8) } + [
            [0x00], [0x7F], [0x80], [0xC0, 0x80], [0xC3], [0xE2, 0x82], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80],
            [0xFF],
            [0xFF, 0xFE], [0xFE, 0xFF],
        ]

    private static let stringParts: [String] = [
        "a", "b", "name", "12345678", "é", "e\u{301}", "\u{301}", "😀", "\u{7f}", "\u{2028}", "/", "~", #"\""#, #"\\"#,
        #"\/"#,
        #"\b\f\n\r\t"#, #"\u0000"#, #"\u00e9"#, #"\u0301"#, #"\uD83D\uDE00"#, #"\uffff"#, "\u{212B}", "-", "0",
    ]

    private static let tokens: [String] = [
        "", "-", "0", "1", "2", "3", "00", "01", "-1", "+1", " 1", "1 ", "1e0", "١", "9223372036854775807",
        "99999999999999999999", "~", "~0", "~1", "~01", "/", "//", "é", "e\u{301}", "\u{301}",
    ]

    private static let tokenParts: [String] = [
        "~", "/", "~1", "~0", "0", "1", "a", "name", "é", "e\u{301}", "\u{301}", "\u{200d}", "\r", "\n", "\u{0}", "\"",
        "\\",
        "\u{1F1E9}", "\u{1F1EA}", "😀", "\u{fe0f}",
    ]
}

extension JSONValue {
    /// What a pointer names, found without the patch's code.
    func part(at pointer: JSONPointer) -> JSONValue? {
        var part = self
        for token in pointer.tokens {
            switch part {
            case .object(let members):
                guard let member = members.last(where: { $0.key.utf8.elementsEqual(token.utf8) }) else { return nil }
                part = member.value
            case .array(let elements):
                guard let index = elements.indices.first(where: { String($0) == token }) else { return nil }
                part = elements[index]
            default: return nil
            }
        }
        return part
    }
}
