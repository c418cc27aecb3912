import GeneratedPods
import JSON
import Testing

@testable import lanyard

/// How texts are read, above all those that were made to be too much.
@Suite(.timeLimit(.minutes(5))) struct YAMLTests {
    /// A text that is too long for the names of test cases.
    struct Hidden: CustomTestStringConvertible {
        let text: String

        init(_ text: String) {
            self.text = text
        }

        var testDescription: String { "\(text.prefix(40).debugDescription) and so on" }
    }

    private func refusal(of text: String) -> String? {
        do throws(UsageProblem) {
            _ = try YAML.documents(in: text, file: "f")
            return nil
        } catch {
            return error.description
        }
    }

    @Test(
        "what is nested too deep is refused where it becomes so, however it is nested",
        arguments: [
            (Hidden(HostileYAML.chain(links: 900, nesting: 260)), 1),
            (Hidden(HostileYAML.chain(links: 900, nesting: 60)), 3),
            (Hidden(HostileYAML.chain(links: 100_000, nesting: 1)), 127),
            (Hidden(HostileYAML.laughs(levels: 900) { "[\($0)]" }), 127),
            (Hidden(HostileYAML.laughs(levels: 900) { "{<<: \($0), x: z}" }), 127),
            (Hidden(HostileYAML.laughs(levels: 900) { "{<<: [\($0)]}" }), 64),
            (Hidden(HostileYAML.nested("", 100_000)), 1), (Hidden(String(repeating: "[", count: 100_000)), 1),
            (Hidden(String(repeating: "{a: ", count: 100_000)), 1),
            (Hidden(String(repeating: "- ", count: 100_000)), 1),
            (Hidden(String(repeating: "? ", count: 100_000)), nil),
        ] as [(Hidden, Int?)])
    func refusesDepth(hidden: Hidden, line: Int?) {
        let expected =
            line.map { "f: document 1, line \($0): the document is nested too deep" }
            ?? "f: document 1, line 1: a key is not a string"
        #expect(refusal(of: hidden.text) == expected)
    }

    @Test("as many levels as JSON may have are read, and are the same for an alias")
    func readsDeepDocuments() {
        let deepest = JSONReader.defaultMaximumDepth
        #expect(refusal(of: HostileYAML.nested("", deepest)) == nil)
        #expect(refusal(of: HostileYAML.nested("", deepest + 1)) != nil)
        for (nesting, isRead) in [(deepest - 4, true), (deepest - 3, false)] {
            let text = "a: &a [[x]]\nb: \(HostileYAML.nested("*a", nesting))\n"
            #expect((refusal(of: text) == nil) == isRead)
        }
    }

    @Test(
        "aliases that stand for too much are refused where they do, however they are used",
        arguments: [
            (HostileYAML.laughs(levels: 40) { "[\($0), \($0)]" }, 15),
            (HostileYAML.laughs(levels: 40) { "{b: \($0), c: \($0)}" }, 15),
            (HostileYAML.laughs(levels: 40) { "{<<: [\($0), \($0)]}" }, 15),
            (HostileYAML.laughs(levels: 9) { "[\(Array(repeating: $0, count: 10).joined(separator: ", "))]" }, 6),
        ])
    func refusesSize(text: String, line: Int) {
        #expect(refusal(of: text) == "f: document 1, line \(line): its aliases stand for too much")
    }

    @Test("all documents of a text together are bounded")
    func boundsAllDocuments() {
        let words = Array(repeating: "x", count: 300).joined(separator: ", ")
        let aliases = Array(repeating: "*a", count: 90).joined(separator: ", ")
        let document = "--- {a: &a [\(words)], b: [\(aliases)]}\n"
        #expect(refusal(of: String(repeating: document, count: 2)) == nil)
        #expect(
            refusal(of: String(repeating: document, count: 9))
                == "f: document 3, line 3: its aliases stand for too much")
    }

    @Test(
        "an alias needs an anchor before it, in its own document",
        arguments: [
            ("a: *a\n", "document 1, line 1: the alias *a"), ("a: &a [*a]\n", "document 1, line 1: the alias *a"),
            ("a: &a {b: &b [*a]}\n", "document 1, line 1: the alias *a"),
            ("a: &a x\n---\nb: *a\n", "document 2, line 3: the alias *a"),
        ])
    func refusesUnknownAliases(text: String, message: String) {
        #expect(refusal(of: text) == "f: \(message) has no anchor before it")
    }

    @Test(
        "what is wrong is said with its document and line",
        arguments: [
            ("a: b: c\n", "document 1: line 1: mapping values are not allowed in this context"),
            ("a: [1, 2\nb: 3\n", "document 1: line 2: did not find expected ',' or ']'"),
            ("a: {x: 1\n", "document 1: line 2: did not find expected ',' or '}'"),
            ("a: \"open\nb: 1\n", "document 1: line 3: found unexpected end of stream"),
            ("a: 'open\n", "document 1: line 2: found unexpected end of stream"),
            ("\ta: b\n", "document 1: line 1: found character that cannot start any token"),
            ("a:\n\t- x\n", "document 1: line 2: found character that cannot start any token"),
            ("a: 1\na: 2\n", "document 1: line 1: the key a is there more than once"),
            ("a: *nowhere\n", "document 1, line 1: the alias *nowhere has no anchor before it"),
            ("- a\nb: c\n", "document 1: line 2: did not find expected '-' indicator"),
            ("a: @x\n", "document 1: line 1: found character that cannot start any token"),
            ("a: `x`\n", "document 1: line 1: found character that cannot start any token"),
            ("a: %x\n", "document 1: line 1: found character that cannot start any token"),
            ("key\nother: 1\n", "document 1: line 2: mapping values are not allowed in this context"),
            ("a: |\n  x\n y\n", "document 1: line 3: did not find expected key"),
            ("a: \"\\q\"\n", "document 1: line 1: found unknown escape character"),
            ("? [a, b]\n: c\n", "document 1, line 1: a key is not a string"),
            ("a: !!int x\n", "document 1, line 1: \"x\" is not a number that JSON can hold"),
            ("a: b\n--- !<\n", "document 2: line 2: did not find expected tag URI"),
            ("%YAML 2.0\n---\na: 1\n", "document 1: line 1: found incompatible YAML document"),
            ("a: b\n  c: d\n", "document 1: line 2: mapping values are not allowed in this context"),
            (
                "apiVersion: v1\nkind: Pod\nmetadata: {name: a\nspec: {}\n",
                "document 1: line 4: did not find expected ',' or '}'"
            ),
            ("a: >2x\n  b\n", "document 1: line 1: did not find expected comment or line break"),
            ("<<: 3\n", "document 1, line 1: << takes a mapping, or a sequence of mappings"),
            ("a: \u{1}\n", "document 1: line 1: control characters are not allowed"),
        ])
    func saysWhatIsWrong(text: String, message: String) {
        #expect(refusal(of: text) == "f: \(message)")
    }

    @Test(
        "an alias is a key if it stands for a string",
        arguments: [
            ("a: &a x\nb: {*a : y}\n", nil), ("a: &a [x]\nb: {*a : y}\n", 2), ("a: &a {b: c}\n? *a\n: d\n", 2),
            (HostileYAML.laughs(levels: 10) { "{? \($0) : x}" }, 2),
        ] as [(String, Int?)])
    func readsAliasedKeys(text: String, line: Int?) {
        #expect(refusal(of: text) == line.map { "f: document 1, line \($0): a key is not a string" })
    }

    @Test("each of many members is found, also those that are merged many times")
    func findsManyMembers() throws {
        let names = (0..<50_000).map { "k\($0)" }
        let text = "a: &a {\(names.map { "\($0): x" }.joined(separator: ", "))}\nb: {<<: *a}\n"
        let document = try #require(try YAML.documents(in: text, file: "f").first)
        let merged = try #require(document.location.part(["b"]))
        #expect(names.allSatisfy { merged.part([$0])?.line == 1 })
        #expect(merged.part(["k50000"]) == nil)
    }

    @Test("documents of aliases are read or refused as if each alias were followed, and mean the same")
    func agreesWithExpansion() throws {
        let bounds = (count: 150, depth: 6)
        var accepted = 0
        let seeds: Range<UInt64> = 0..<10_000
        for seed in seeds {
            let documents = AliasedDocuments(seed: seed)
            let text = documents.text
            let limit = max(text.utf8.count, bounds.count)
            let size = documents.size(limit: limit + 1)
            let isBounded = size.count <= limit && size.depth <= bounds.depth
            let read = Result { () throws(YAML.Failure) in
                var composer = YAML.Composer(text, harmlessCount: bounds.count, maximumDepth: bounds.depth)
                var values: [JSONValue] = []
                while let root = try composer.nextDocument() { values.append(try root.value()) }
                return values
            }
            switch read {
            case .success(let values):
                accepted += 1
                try #require(isBounded && values == documents.values, "seed \(seed): \(text)")
            case .failure(let failure):
                try #require(!isBounded, "seed \(seed): \(failure): \(text)")
            }
        }
        #expect(accepted > 2000 && seeds.count - accepted > 500, "not varied enough: \(accepted) are read")
    }
}
