import JSON
import Testing

@Suite struct JSONPatchTests {
    @Test(
        "applies the operations of RFC 6902",
        arguments: [
            (["a": 1], .add(JSONPointer("b"), 2), ["a": 1, "b": 2]),
            (["a": 1], .add(JSONPointer("a"), 2), ["a": 2]),
            (["a": [1, 3]], .add(JSONPointer("a", "1"), 2), ["a": [1, 2, 3]]),
            (["a": [1]], .add(JSONPointer("a", "-"), 2), ["a": [1, 2]]),
            (["a": ["x/y~z": 1]], .add(JSONPointer("a", "x/y~z"), 2), ["a": ["x/y~z": 2]]),
            (["a": 1, "b": 2], .remove(JSONPointer("a")), ["b": 2]),
            (["a": [1, 2]], .replace(JSONPointer("a", "0"), 9), ["a": [9, 2]]),
            (["a": 1], .test(JSONPointer("a"), 1), ["a": 1]),
            (["a": 1], .replace(JSONPointer(), [2]), [2]),
        ] as [(JSONValue, JSONPatch.Operation, JSONValue)])
    func applies(to before: JSONValue, operation: JSONPatch.Operation, expected: JSONValue) throws {
        #expect(try before.applying(JSONPatch([operation])) == expected)
    }

    @Test(
        "refuses operations that do not fit, and changes nothing",
        arguments: [
            .add(JSONPointer("x", "y"), 1), .add(JSONPointer("a", "3"), 1), .add(JSONPointer("a", "01"), 1),
            .remove(JSONPointer("x")), .remove(JSONPointer("a", "-")), .replace(JSONPointer("a", "9"), 1),
            .test(JSONPointer("a"), 1), .add(JSONPointer("a", "0", "b"), 1), .remove(JSONPointer()),
        ] as [JSONPatch.Operation])
    func refuses(operation: JSONPatch.Operation) {
        var value: JSONValue = ["a": [1, 2]]
        let patch = JSONPatch([.add(JSONPointer("added"), true), operation])
        #expect(throws: JSONPatchError.self) { try value.apply(patch) }
        #expect(value == ["a": [1, 2]])
    }

    @Test("a token that begins with a combining accent is a token of its own")
    func separatesAccents() throws {
        let pointer = JSONPointer("a", "\u{301}b", "c")
        let value: JSONValue = ["a": 1]
        #expect(pointer.tokens == ["a", "\u{301}b", "c"])
        #expect(try value.applying(JSONPatch([.add(JSONPointer("\u{301}"), 2)])) == ["a": 1, "\u{301}": 2])
    }

    @Test("compares strings and names without Unicode normalization")
    func comparesBytes() throws {
        let composed = "\u{e9}", decomposed = "e\u{301}"
        let value: JSONValue = ["a": .string(composed)]
        #expect(throws: JSONPatchError.self) {
            try value.applying(JSONPatch([.test(JSONPointer("a"), .string(decomposed))]))
        }
        let named = JSONValue.object([composed: 1])
        #expect(named[decomposed] == nil)
        let patched = try named.applying(JSONPatch([.add(JSONPointer(decomposed), 2)]))
        #expect(patched == .object([composed: 1, decomposed: 2]))
        #expect(JSONPointer(composed) != JSONPointer(decomposed))
    }

    @Test("writes paths with the escapes of RFC 6901")
    func writesPaths() {
        let patch = JSONPatch([.add(JSONPointer("metadata", "annotations", "lanyard.dev/a~b"), "v")])
        #expect(
            patch.json.serializedString()
                == #"[{"op":"add","path":"/metadata/annotations/lanyard.dev~1a~0b","value":"v"}]"#)
    }
}
