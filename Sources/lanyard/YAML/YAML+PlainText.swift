internal import JSON

extension YAML {
    /// A text without quotes and without a tag, and what it means to kubectl: YAML 1.1 without dates and without numbers to
    /// the base 60, and the octal numbers of YAML 1.2. Of kubectl's words only `y` and `n` stay text.
    /// https://github.com/kubernetes-sigs/yaml/blob/master/goyaml.v2/resolve.go
    struct PlainText {
        private let text: String

        init(_ text: String) {
            self.text = text
        }

        /// `nil` for a number that JSON cannot hold.
        var value: JSONValue? {
            switch text.utf8.first {
            case nil: .null
            case (UInt8(ascii: "0")...UInt8(ascii: "9"))?, UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."):
                number
            case UInt8(ascii: "~"): text == "~" ? .null : .string(text)
            default: word
            }
        }

        // MARK: Words

        /// The words of this table have that many letters at most.
        private static let longestWord = 5
        private static let words: [String: JSONValue] = [
            "null": .null, "Null": .null, "NULL": .null,
            "true": true, "True": true, "TRUE": true, "false": false, "False": false, "FALSE": false,
            "yes": true, "Yes": true, "YES": true, "no": false, "No": false, "NO": false,
            "on": true, "On": true, "ON": true, "off": false, "Off": false, "OFF": false,
        ]

        private var word: JSONValue {
            guard text.utf8.count <= Self.longestWord else { return .string(text) }
            return Self.words[text] ?? .string(text)
        }

        // MARK: Numbers

        private static let unbounded: Set<String> = [
            ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF", "-.inf", "-.Inf", "-.INF", ".nan", ".NaN", ".NAN",
        ]

        private var number: JSONValue? {
            // Most numbers are JSON's, too, and keep their text.
            if let number = Self.json(text) { return number }
            guard !Self.unbounded.contains(text) else { return nil }
            let digits = text.utf8.filter { $0 != UInt8(ascii: "_") }
            return integerWithBase(digits) ?? decimal(digits)
        }

        /// A number to the base 2, 8 or 16, as `0b1`, `017`, `0o17` or `0x1F`; the outer `nil` if it is none.
        private func integerWithBase(_ digits: [UInt8]) -> JSONValue?? {
            let isNegative = digits.first == UInt8(ascii: "-")
            let unsigned = digits.dropFirst(isNegative || digits.first == UInt8(ascii: "+") ? 1 : 0)
            guard unsigned.count > 1, unsigned.first == UInt8(ascii: "0") else { return nil }
            let (radix, prefix) =
                switch unsigned.dropFirst().first.map({ $0 | 0x20 }) {
                case UInt8(ascii: "x"): (16, 2)
                case UInt8(ascii: "o"): (8, 2)
                case UInt8(ascii: "b"): (2, 2)
                default: (8, 1)
                }
            let magnitude = unsigned.dropFirst(prefix)
            let isValid = magnitude.allSatisfy {
                Character(Unicode.Scalar($0)).hexDigitValue.map { $0 < radix } ?? false
            }
            guard isValid, !magnitude.isEmpty else { return nil }
            guard let integer = UInt64(String(decoding: magnitude, as: UTF8.self), radix: radix) else {
                return .some(nil)
            }
            return Self.json(isNegative ? "-\(integer)" : "\(integer)")
        }

        /// A number to the base 10 that JSON would write another way, as `+1`, `1_000`, `.5` or `08`.
        private func decimal(_ digits: [UInt8]) -> JSONValue? {
            let isPositive = digits.first == UInt8(ascii: "+") && digits.dropFirst().first != UInt8(ascii: "-")
            if let number = Self.json(String(decoding: digits.dropFirst(isPositive ? 1 : 0), as: UTF8.self)) {
                return number
            }
            // `Double` reads words and the base 16, too.
            let isDecimal = digits.allSatisfy { "0123456789+-.eE".utf8.contains($0) }
            guard isDecimal, let number = Double(String(decoding: digits, as: UTF8.self)) else { return .string(text) }
            if let integer = Int(exactly: number) { return .number(JSONNumber(integer)) }
            return number.isFinite ? Self.json("\(number)") : nil
        }

        private static func json(_ number: String) -> JSONValue? {
            guard let first = number.utf8.first, first == UInt8(ascii: "-") || (0x30...0x39).contains(first) else {
                return nil
            }
            return try? JSONValue(parsing: Array(number.utf8))
        }
    }
}
