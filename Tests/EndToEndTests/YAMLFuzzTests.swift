import JSON
import Testing

@testable import lanyard

/// What holds for every text, tried on many that are made up. Input number N comes of seed N, so that one that fails once
/// fails again. `YAML_FUZZ_INPUTS=1000000 swift test --filter YAMLFuzzTests` tries more.
@Suite struct YAMLFuzzTests {
    @Test(
        "what is read is bounded and the same when written and read again; what is refused, for a reason and at a line")
    func readsOrRefuses() throws {
        var accepted = 0
        for seed in 0..<YAMLFuzzer.inputs {
            var fuzzer = YAMLFuzzer(seed: seed)
            let text = fuzzer.text()
            let complaint: String?
            do throws(UsageProblem) {
                complaint = Self.complaint(about: try YAML.documents(in: text, file: "f"), of: text)
                accepted += 1
            } catch {
                complaint = Self.complaint(about: error, of: text)
            }
            guard let complaint else { continue }
            Issue.record("seed \(seed): \(complaint): \(text.debugDescription)")
            return
        }
        let share = 100 * accepted / max(1, YAMLFuzzer.inputs)
        #expect((15...85).contains(share), "not varied enough: \(share) % are read")
    }

    private static func complaint(about documents: [YAML.Document], of text: String) -> String? {
        var left = max(text.utf8.count, 1 << 16)
        for document in documents {
            guard measure(document.value, &left) <= JSONReader.defaultMaximumDepth, left >= 0 else { return "too much" }
            guard (1...lines(of: text)).contains(document.location.line) else {
                return "line \(document.location.line)"
            }
        }
        do {
            let values = documents.map(\.value)
            let written = try values.map { try YAML.text(of: $0) }.joined(separator: "---\n")
            let again = try YAML.documents(in: written, file: "again").map(\.value)
            return again == values ? nil : "written and read again it is another: \(written)"
        } catch {
            return "it cannot be read again: \(error)"
        }
    }

    private static func complaint(about problem: UsageProblem, of text: String) -> String? {
        let match = problem.description.wholeMatch(of: /(?s)f: document [0-9]+(, |: )line ([0-9]+): .+/)
        guard let line = match.flatMap({ Int($0.output.2) }) else { return "refused without a line: \(problem)" }
        // libyaml begins a line of its own at the end of a text.
        return line <= lines(of: text) + 1 ? nil : "refused at a line that is not there: \(problem)"
    }

    /// As YAML counts them, and one more: after the last break.
    private static func lines(of text: String) -> Int {
        text.count { ["\n", "\r", "\r\n", "\u{85}", "\u{2028}", "\u{2029}"].contains($0) } + 1
    }

    /// Takes the values in a value off those that may still come.
    ///
    /// - Returns: how many of them stand inside each other.
    private static func measure(_ value: JSONValue, _ left: inout Int) -> Int {
        left -= 1
        switch value {
        case .array(let elements): return 1 + (elements.map { measure($0, &left) }.max() ?? 0)
        case .object(let members): return 1 + (members.map { measure($0.value, &left) }.max() ?? 0)
        default: return 1
        }
    }
}
