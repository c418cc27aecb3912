import JSON
import Testing

/// What holds for every text and every patch, tried on many that are made up. Input number N comes of seed N, so that one
/// that fails once fails again. `JSON_FUZZ_INPUTS=10000000 swift test -c release --filter JSONFuzzTests` tries more.
@Suite struct JSONFuzzTests {
    /// Stops at the first input about which there is something to say.
    private func forAll(_ complaint: (inout JSONFuzzer) -> String?) {
        for seed in 0..<JSONFuzzer.inputs {
            var fuzzer = JSONFuzzer(seed: seed)
            guard let complaint = complaint(&fuzzer) else { continue }
            Issue.record("seed \(seed): \(complaint)")
            return
        }
    }

    @Test("the texts are worth trying: many are valid, and many are not")
    func isVaried() {
        let valid = (0..<1000).count { seed in
            var fuzzer = JSONFuzzer(seed: seed)
            return (try? JSONValue(parsing: fuzzer.text())) != nil
        }
        #expect((250...750).contains(valid))
    }

    @Test("reading at once, reading piece by piece and skipping agree, with each other and with Foundation")
    func readersAgree() {
        forAll { fuzzer in
            let text = fuzzer.text()
            return complaint(about: text).map { "\(String(decoding: text, as: UTF8.self).debugDescription): \($0)" }
        }
    }

    private func complaint(about text: [UInt8]) -> String? {
        let depth = FoundationJudgment.maximumDepth
        let read = Result { () throws(JSONError) in try JSONValue(parsing: text, maximumDepth: depth) }
        let skipped = Result { () throws(JSONError) in
            var reader = JSONReader(text, maximumDepth: depth)
            let range = try reader.range()
            try reader.end()
            return range
        }
        let pieces = try? Pieces(parsing: text, maximumDepth: depth).text
        switch (read, skipped) {
        case (.success(let value), .success(let range)):
            let written = value.serialized()
            guard pieces == written else { return "read piece by piece it is another" }
            for again in [written, Array(value.prettySerializedString().utf8), Array(text[range])]
            where (try? JSONValue(parsing: again, maximumDepth: depth)) != value {
                return "written and read again it is another"
            }
        case (.failure(let read), .failure(let skipped)):
            guard read == skipped else { return "reading it fails: \(read); skipping it does, too: \(skipped)" }
            guard pieces == nil else { return "only piece by piece it can be read" }
        case (.success, .failure(let error)): return "it can be read, and not skipped: \(error)"
        case (.failure(let error), .success): return "it can be skipped, and not read: \(error)"
        }
        return FoundationJudgment.objection(to: read, of: text)
    }

    @Test("members are the same by their names' bytes and by their names as strings, and fail alike")
    func namesAgree() {
        forAll { fuzzer in
            let text = fuzzer.text()
            let (bytes, strings) = (names(in: text, asBytes: true), names(in: text, asBytes: false))
            return bytes == strings ? nil : "\(String(decoding: text, as: UTF8.self)): \(bytes) and \(strings)"
        }
    }

    /// The names of all members, or why the text cannot be read.
    private func names(in text: [UInt8], asBytes: Bool) -> Result<[[UInt8]], JSONError> {
        var names: [[UInt8]] = []
        func read(_ json: inout JSONReader) throws {
            switch json.kind() {
            case .object where asBytes:
                try json.members { name, json in
                    names.append(name.withUnsafeBufferPointer { Array($0) })
                    try read(&json)
                }
            case .object:
                try json.object { name, json in
                    names.append(Array(name.utf8))
                    try read(&json)
                }
            case .array: try json.array { try read(&$0) }
            default: try json.skip()
            }
        }
        do {
            var json = JSONReader(text)
            try read(&json)
            try json.end()
            return .success(names)
        } catch let error as JSONError {
            return .failure(error)
        } catch {
            return .failure(JSONError("\(error)", at: 0))
        }
    }

    @Test("a pointer has the tokens it was made of, whatever they are")
    func pointersKeepTokens() {
        forAll { fuzzer in
            let tokens = (0..<fuzzer.below(4)).map { _ in fuzzer.token() }
            let pointer = JSONPointer(tokens: tokens)
            let written = tokens.map { token in
                "/" + token.unicodeScalars.map { $0 == "~" ? "~0" : $0 == "/" ? "~1" : String($0) }.joined()
            }
            guard pointer.description.utf8.elementsEqual(written.joined().utf8),
                pointer.tokens.elementsEqual(tokens, by: { $0.utf8.elementsEqual($1.utf8) }),
                JSONPointer().appending(pointer).appending("x").tokens == pointer.tokens + ["x"]
            else { return "\(tokens) became \(pointer.tokens) by '\(pointer)'" }
            return nil
        }
    }

    @Test("an operation does to a value what RFC 6902 says, or throws")
    func operationsKeepPromise() {
        forAll { fuzzer in
            let value = fuzzer.value()
            let operation = fuzzer.operation(on: value)
            let patch = JSONPatch([operation])
            let isRight = value.isRight(result: try? value.applying(patch), of: operation)
            return isRight ? nil : "\(patch.json) on \(value)"
        }
    }

    @Test("a patch does what its operations do one by one, or fails at the one that does not fit; written it is JSON")
    func patchesApply() {
        forAll { fuzzer in
            let value = fuzzer.value()
            var operations: [JSONPatch.Operation] = []
            var expected = value
            var failure: Int?
            for index in 0..<fuzzer.below(4) {
                let operation = fuzzer.operation(on: expected)
                operations.append(operation)
                do {
                    try expected.apply(JSONPatch([operation]))
                } catch {
                    failure = failure ?? index
                }
            }
            let patch = JSONPatch(operations)
            guard patch.operations == operations else { return "\(operations) became \(patch.operations)" }
            let result = Result { () throws(JSONPatchError) in try value.applying(patch) }
            switch (result, failure) {
            case (.success(let result), nil) where result == expected: break
            case (.failure(let error), let failure?) where error.operation == failure: break
            default: return "\(patch.json) on \(value)"
            }
            var written: [UInt8] = []
            patch.write(to: &written)
            guard written == patch.json.serialized(), (try? JSONValue(parsing: written)) == patch.json else {
                return "written as \(String(decoding: written, as: UTF8.self)), of \(patch.json)"
            }
            return nil
        }
    }

    @Test("what is added to places that are there applies, and is there then")
    func additionsApply() {
        forAll { fuzzer in
            let value = fuzzer.value()
            var operations: [JSONPatch.Operation] = []
            var expected = value
            for _ in 0...fuzzer.below(4) {
                let pointer = fuzzer.placeToAdd(to: expected)
                operations.append(.add(pointer, fuzzer.value()))
                do {
                    try expected.apply(JSONPatch(operations.suffix(1)))
                } catch {
                    return "\(operations) on \(value): \(error)"
                }
            }
            let patch = JSONPatch(operations)
            return (try? value.applying(patch)) == expected ? nil : "\(patch.json) on \(value)"
        }
    }
}

/// A value that callers' means have read, a piece at a time, as it is written without white space.
private struct Pieces: JSONReadable {
    var text: [UInt8] = []

    init(from json: inout JSONReader) throws {
        switch json.kind() {
        case .object?:
            text += "{".utf8
            try json.object { key, json in
                if text.count > 1 { text += ",".utf8 }
                JSONValue.write(key, to: &text)
                text += ":".utf8
                text += try json.read(Pieces.self).text
            }
            text += "}".utf8
        case .array?:
            text += "[".utf8
            try json.array { json in
                if text.count > 1 { text += ",".utf8 }
                text += try json.read(Pieces.self).text
            }
            text += "]".utf8
        case .string?:
            let token = try json.stringToken()
            let string = json.string(token)
            guard json.lastIndex(of: string, in: [token]) == 0, json.lastIndex(of: string + "x", in: [token]) == nil
            else {
                throw JSONError("does not say what it says", at: json.offset)
            }
            JSONValue.write(string, to: &text)
        case .number?: text += try json.number().text.utf8
        case .bool?: text += (try json.bool() ? "true" : "false").utf8
        case .null? where json.skipNull(): text += "null".utf8
        default: throw JSONError("no value", at: json.offset)
        }
    }
}

extension JSONValue {
    /// Whether this is what an operation on `self` leads to; `nil` if it was refused.
    fileprivate func isRight(result: JSONValue?, of operation: JSONPatch.Operation) -> Bool {
        switch operation {
        case .test(let pointer, let value):
            return result == (part(at: pointer) == value ? self : nil)
        case .replace(let pointer, let value):
            return result?.part(at: pointer) == (part(at: pointer) == nil ? nil : value)
        case .remove(let pointer):
            guard let old = part(at: pointer), let last = pointer.tokens.last else { return result == nil }
            let parent = JSONPointer(tokens: pointer.tokens.dropLast())
            switch (part(at: parent), result?.part(at: parent)) {
            case (.array(let before)?, .array(let after)?):
                // Put back, it is as it was.
                return after.count == before.count - 1
                    && (try? result?.applying(JSONPatch([.add(pointer, old)]))) == self
            case (.object(let before)?, .object(let after)?):
                let kept = before.filter { !$0.key.utf8.elementsEqual(last.utf8) }
                return kept.map(\.key) == after.keys && kept.map(\.value) == after.map(\.value)
            default: return false
            }
        case .add(let pointer, let value):
            guard let last = pointer.tokens.last else { return result == value }
            let parent = JSONPointer(tokens: pointer.tokens.dropLast())
            switch (part(at: parent), result?.part(at: parent)) {
            case (.array(let before)?, let after):
                let index = last == "-" ? before.count : (0...before.count).first { String($0) == last }
                guard let index else { return result == nil }
                return after?.array == before[..<index] + [value] + before[index...]
            case (.object?, .object(let after)?): return JSONValue.object(after).part(at: JSONPointer(last)) == value
            default: return result == nil
            }
        }
    }
}
