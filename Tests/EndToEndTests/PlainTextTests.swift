import JSON
import Testing

@testable import lanyard

/// What texts without quotes mean.
@Suite struct PlainTextTests {
    private func value(of text: String) -> String? {
        YAML.PlainText(text).value?.serializedString()
    }

    @Test(
        "words are what they are for kubectl, in the ways in which people write them",
        arguments: [
            ("null", ["", "~", "null", "Null", "NULL"]),
            ("true", ["true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON"]),
            ("false", ["false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF"]),
        ])
    func readsWords(meaning: String, texts: [String]) {
        for text in texts { #expect(value(of: text) == meaning, "\(text)") }
    }

    @Test(
        "numbers of every base, with signs and underscores, are JSON's",
        arguments: [
            ("0", "0"), ("-0", "-0"), ("+0", "0"), ("7", "7"), ("+7", "7"), ("-7", "-7"), ("1_000", "1000"),
            ("08", "8"),
            ("017", "15"), ("-017", "-15"), ("0o17", "15"), ("0O17", "15"), ("0x1F", "31"), ("-0x1f", "-31"),
            ("+0X1F", "31"), ("0b101", "5"), ("-0b1", "-1"), ("0xFFFFFFFFFFFFFFFF", "18446744073709551615"),
            ("1.50", "1.50"), ("+1.5", "1.5"), ("1.", "1"), (".5", "0.5"), ("-.5", "-0.5"), ("1e3", "1e3"),
            ("1E+3", "1E+3"),
            (".5e3", "500"), ("1_0.5", "10.5"), ("01.5", "1.5"), ("99999999999999999999", "99999999999999999999"),
            ("1e400", "1e400"),
        ])
    func readsNumbers(text: String, json: String) {
        #expect(value(of: text) == json)
    }

    @Test(
        "numbers that JSON cannot hold are none",
        arguments: [
            ".inf", "-.Inf", "+.INF", ".nan", ".NaN", "0x10000000000000000", "07777777777777777777777", "01e999",
        ])
    func refusesNumbers(text: String) {
        #expect(value(of: text) == nil)
    }

    @Test(
        "everything else is text, also what looks like a number or a date at first",
        arguments: [
            "y", "N", "tRUE", "nUll", "~x", "truely", "=", "<<", "/x", "a", "é", "1:30", "22:22", "190:20:30.15",
            "2001-01-01",
            "2001-12-14t21:59:43.10-05:00", "1.2.3", "10.0.0.1", "1Gi", "100m", "1e", "1e+", "e3", "+", "-", ".", "..",
            "--1", "+-1",
            "-+1", "0x", "0xG", "0x-5", "0b2", "0o8", "0b", "_1", "inf", "nan", "-inf", "0x1p3", "1 2", "1,5",
            "\u{0661}", "1\u{301}",
        ])
    func keepsTexts(text: String) {
        #expect(YAML.PlainText(text).value == .string(text))
    }

    @Test(
        "a tag says what a text is, whether it is quoted or not; what it cannot be is refused with its line",
        arguments: [
            ("!!int '7'", "7"), ("!!int 0x1F", "31"), ("!!float 3", "3"), ("!!str 7", #""7""#),
            ("!!bool 'no'", "false"),
            ("!!null ''", "null"), ("!!null ~", "null"), ("! 7", #""7""#), ("!x 7", #""7""#),
            ("!!binary aGk=", #""aGk=""#),
            ("!!int x", #"f: document 1, line 2: "x" is not a number that JSON can hold"#),
            ("!!int '[1]'", #"f: document 1, line 2: "[1]" is not a number that JSON can hold"#),
            ("!!float '\"x\"'", #"f: document 1, line 2: "\"x\"" is not a number that JSON can hold"#),
            ("!!bool maybe", #"f: document 1, line 2: "maybe" is not a boolean"#),
            ("!!null x", #"f: document 1, line 2: "x" is not null"#),
            ("!!null 'a\n\n  b'", #"f: document 1, line 2: "a\nb" is not null"#),
        ])
    func heedsTags(text: String, expected: String) {
        do {
            let value = try YAML.documents(in: "a:\n  \(text)\n", file: "f").first?.value
            #expect(value?["a"]?.serializedString() == expected)
        } catch {
            #expect("\(error)" == expected)
        }
    }
}
