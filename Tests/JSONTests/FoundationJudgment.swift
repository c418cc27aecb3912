import Foundation
import JSON

/// What Foundation's `JSONSerialization` makes of a text, and where it is known to differ from RFC 8259 or from us:
///
/// * It detects UTF-16 and UTF-32, by a byte order mark or by zero bytes, and takes UTF-8 with one. Texts that are exchanged
///   are UTF-8 without (section 8.1).
/// * It drops a byte order mark from where a string begins, or goes on after an escape.
/// * It takes a comma after the last element or member, which section 2 does not have.
/// * It refuses a number that a `Double` cannot hold, and rounds others. We keep the text.
/// * Its depth is bounded at 512; ours is chosen by the reader, and is the same here.
/// * It compares names as Swift does strings: `é` written in two ways is one name, of which the last value counts.
enum FoundationJudgment {
    static let maximumDepth = 512

    /// Where Foundation disagrees with what we made of a text, other than in what is known.
    static func objection(to ours: Result<JSONValue, JSONError>, of text: [UInt8]) -> String? {
        let theirs = Result { try JSONSerialization.jsonObject(with: Data(text), options: .fragmentsAllowed) }
        switch (ours, theirs) {
        case (.failure, .failure): return nil
        case (.success(let ours), .success(let theirs)):
            return agree(ours, theirs) ? nil : "Foundation read another value, \(theirs)"
        case (.success(let ours), .failure(let error)):
            return hasHugeNumber(ours) ? nil : "Foundation refused it: \(error)"
        case (.failure(let error), .success):
            if isOfAnotherEncoding(text) || isValidWithoutTrailingCommas(text) { return nil }
            return "Foundation took it; for us: \(error)"
        }
    }

    private static func isOfAnotherEncoding(_ text: [UInt8]) -> Bool {
        text.prefix(4).contains(0)
            || [[0xEF, 0xBB, 0xBF], [0xFE, 0xFF], [0xFF, 0xFE]].contains { text.starts(with: $0) }
    }

    private static func isValidWithoutTrailingCommas(_ text: [UInt8]) -> Bool {
        var text = text
        while true {
            do {
                _ = try JSONValue(parsing: text, maximumDepth: maximumDepth)
                return true
            } catch {
                guard let bracket = text[error.offset...].first,
                    "]}".utf8.contains(bracket),
                    let comma = text[..<error.offset].lastIndex(where: { !" \n\r\t".utf8.contains($0) }),
                    text[comma] == UInt8(ascii: ",")
                else { return false }
                text.remove(at: comma)
            }
        }
    }

    private static func hasHugeNumber(_ value: JSONValue) -> Bool {
        switch value {
        case .number(let number): Double(number.text)?.isFinite != true
        case .array(let elements): elements.contains(where: hasHugeNumber)
        case .object(let members): members.contains { hasHugeNumber($0.value) }
        default: false
        }
    }

    private static func agree(_ ours: JSONValue, _ theirs: Any) -> Bool {
        switch ours {
        case .null: return theirs is NSNull
        case .bool(let bool): return (theirs as? NSNumber)?.boolValue == bool
        case .number(let number):
            guard let ours = Double(number.text), let theirs = theirs as? NSNumber else { return false }
            return abs(ours - theirs.doubleValue) <= abs(ours) * 1e-12
        case .string(let string):
            return hasMark(string) || (theirs as? String)?.utf8.elementsEqual(string.utf8) == true
        case .array(let elements):
            guard let theirs = theirs as? [Any], theirs.count == elements.count else { return false }
            return zip(elements, theirs).allSatisfy(agree)
        case .object(let members):
            guard let theirs = theirs as? [String: Any] else { return false }
            guard !members.contains(where: { hasMark($0.key) }) else { return true }
            let ours = Dictionary(members.map { ($0.key, $0.value) }) { _, last in last }
            return ours.count == theirs.count
                && ours.allSatisfy { name, value in theirs[name].map { agree(value, $0) } == true }
        }
    }

    private static func hasMark(_ string: String) -> Bool {
        string.utf8.contains(0xEF) && string.unicodeScalars.contains("\u{feff}")
    }
}
