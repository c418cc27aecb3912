import JSON
import Testing

@Suite struct JSONReaderTests {
    @Test(
        "reads what RFC 8259 allows",
        arguments: [
            ("null", JSONValue.null),
            (" true ", true),
            ("[0, -12]", [0, -12]),
            ("\"\\u00e9\\ud83d\\ude00\\n\\/\"", "é😀\n/"),
            ("[]", []),
            ("[1, [2, {}], \"x\"]", [1, [2, [:]], "x"]),
            ("{\"a\":{\"b\":[null,false]}}", ["a": ["b": [.null, false]]]),
        ] as [(String, JSONValue)])
    func readsValidText(text: String, expected: JSONValue) throws {
        #expect(try JSONValue(parsing: Array(text.utf8)) == expected)
        var reader = JSONReader(Array(text.utf8))
        try reader.skip()
        try reader.end()
    }

    @Test(
        "refuses what RFC 8259 does not allow, read or skipped",
        arguments: [
            "", " ", "nul", "tru", "01", "+1", "1.", ".5", "1e", "1e+", "-", "'a'", "\"a", "\"\\x\"", "\"\\u12\"",
            "\"\\ud800\"", "\"\\ud800\\u0041\"", "\"\u{1}\"", "[1,]", "[1 2]", "[", "{", "{\"a\"}", "{\"a\":}", "{a:1}",
            "{\"a\":1,}", "{\"a\":1]", "1 2", "[]]", "NaN", "Infinity", "// x\n1", "\u{feff}1",
        ])
    func refusesInvalidText(text: String) {
        #expect(throws: JSONError.self) { try JSONValue(parsing: Array(text.utf8)) }
        #expect(throws: JSONError.self) {
            var reader = JSONReader(Array(text.utf8))
            try reader.skip()
            try reader.end()
        }
    }

    @Test("refuses strings that are not UTF-8")
    func refusesInvalidUTF8() {
        let bytes: [UInt8] = [0x22, 0xC3, 0x28, 0x22]
        #expect(throws: JSONError.self) { try JSONValue(parsing: bytes) }
        #expect(throws: JSONError.self) {
            var reader = JSONReader(bytes)
            try reader.skip()
        }
    }

    @Test("of members with the same name the last one counts")
    func takesLastMember() throws {
        #expect(try JSONValue(parsing: Array(#"{"a":1,"a":2}"#.utf8))["a"] == 2)
    }

    @Test(
        "a string member is found as when each is read, and the rest is checked",
        arguments: [
            (#"{"name":"a","value":"b"}"#, "a"), (#"{"name":"a","name":"b"}"#, "b"), (#"{"name":"a","name":1}"#, nil),
            (#"{"name":{"name":"a"}}"#, nil), (#"{"\u006eame":"\u0061\n"}"#, "a\n"), (#"{"value":"name"}"#, nil),
            ("{ }", nil), ("null", nil), (#""name""#, nil), (#"["name"]"#, nil),
            (#" { "x" : [ ] , "name" : "" } "#, ""),
        ] as [(String, String?)])
    func findsMember(text: String, expected: String?) throws {
        var reader = JSONReader(Array(text.utf8))
        let token = try reader.stringTokenIfAny(ofMember: "name")
        try reader.end()
        #expect(token.map { reader.string($0) } == expected)
        var other = JSONReader(Array(text.utf8))
        var name: String?
        try other.objectIfAny(only: "name") { name = try $0.stringIfAny() }
        #expect(name == expected)
    }

    @Test(
        "a string member is not found in what is no JSON, or too deep",
        arguments: [#"{"name":"a""#, #"{"name" "a"}"#, #"{"name":"a",}"#, #"{"x":[[]],"name":"a"}"#, "{,}"])
    func findsNoMember(text: String) {
        #expect(throws: JSONError.self) {
            var reader = JSONReader(Array(text.utf8), maximumDepth: 2)
            _ = try reader.stringTokenIfAny(ofMember: "name")
        }
    }

    @Test("objects whose names repeat are equal both ways or not at all, and to themselves")
    func comparesRepeatedNames() throws {
        let value = try JSONValue(parsing: Array(#"{"a":1,"a":2}"#.utf8))
        let twice = try JSONValue(parsing: Array(#"{"a":2,"a":2}"#.utf8))
        let other: JSONValue = ["a": 2, "b": 2]
        #expect(value == value && value == twice && twice == value)
        #expect(twice != other && other != twice)
    }

    @Test("comparing objects takes no longer the deeper names repeat")
    func comparesDeepRepeatedNames() throws {
        let text = String(repeating: #"{"a":0,"a":"#, count: 100) + "1" + String(repeating: "}", count: 100)
        let value = try JSONValue(parsing: Array(text.utf8))
        #expect(try JSONValue(parsing: Array(text.utf8)) == value)
    }

    @Test("a string says what its bytes say, written with escapes or without")
    func saysBytes() throws {
        for text in ["\"\u{e9}\"", #""\u00e9""#] {
            var reader = JSONReader(Array(text.utf8))
            let token = try reader.stringToken()
            #expect(reader.lastIndex(of: "\u{e9}", in: [token, token]) == 1)
            #expect(reader.lastIndex(of: "e\u{301}", in: [token]) == nil)
        }
    }

    @Test("bounds how deep a text may nest, read or skipped")
    func boundsDepth() throws {
        let deep = Array((String(repeating: "[", count: 100_000)).utf8)
        #expect(throws: JSONError("arrays and objects stand too deep inside each other", at: 129)) {
            try JSONValue(parsing: deep)
        }
        #expect(throws: JSONError.self) {
            var reader = JSONReader(deep)
            try reader.skip()
        }
        let allowed = String(repeating: "[", count: 3) + String(repeating: "]", count: 3)
        _ = try JSONValue(parsing: Array(allowed.utf8), maximumDepth: 3)
        #expect(throws: JSONError.self) { try JSONValue(parsing: Array(allowed.utf8), maximumDepth: 2) }
    }

    @Test("says what was expected, what was found, and where")
    func explainsMismatch() {
        var reader = JSONReader(Array("{\"name\": 5}".utf8))
        #expect(throws: JSONError("expected a string, found a number", at: 9)) {
            try reader.object { _, json in _ = try json.string() }
        }
    }

    @Test("reads the members it is asked for and passes over all others")
    func skipsMembers() throws {
        let text = """
            {"skipped": {"deep": [1, "\\u0041}", {"x": null}]}, "name": "a", "labels": null, "count": 3, "tags": ["x", "y"]}
            """
        var name = "", labels: [String: String] = ["old": ""], count = 0
        var tags: [String] = []
        var reader = JSONReader(Array(text.utf8))
        try reader.object { key, json in
            switch key {
            case "name": name = try json.string()
            case "labels": labels = try json.strings()
            case "count": count = try json.integer()
            case "tags": tags = try json.stringList()
            default: try json.skip()
            }
        }
        try reader.end()
        #expect(name == "a" && labels.isEmpty && count == 3 && tags == ["x", "y"])
    }

    @Test("keeps the text of numbers that no machine word holds")
    func keepsNumbers() throws {
        let text = "[123456789012345678901234567890,1.10,1E400]"
        let value = try JSONValue(parsing: Array(text.utf8))
        #expect(value.serializedString() == text)
        #expect(value.array?.first?.integer == nil)
    }

    @Test("writes what it reads, in the order in which it stood")
    func roundTrips() throws {
        let text = #"{"z":"q\"\\\n\u0001é","a":[true,null,{}],"m":-1.5e3}"#
        #expect(try JSONValue(parsing: Array(text.utf8)).serializedString() == text)
    }
}
