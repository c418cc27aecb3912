import Testing

@testable import WorkloadIdentity

@Suite struct PathPatternTests {
    private static let subject = Subject(namespace: "ai", serviceAccount: "llm.v1")

    @Test(
        "a pattern allows",
        arguments: [
            ("secret/data/{namespace}/**", "secret/data/ai/openai"),
            ("secret/data/{namespace}/**", "secret/data/ai/a/b"),
            ("kv/{namespace}/{serviceaccount}", "kv/ai/llm.v1"), ("kv/team-{namespace}/x", "kv/team-ai/x"),
            ("kv/*/key", "kv/any-thing/key"), ("kv/*a*b", "kv/aab"), ("kv/*a*b", "kv/xaxbyb"), ("kv/a*", "kv/a"),
            ("**", "kv"), ("kv/plain", "kv/plain"),
        ])
    func allows(pattern: String, path: String) {
        #expect(PathPattern.syntax.accepts(pattern))
        #expect(PathPattern(pattern).allows(path, for: Self.subject))
    }

    @Test(
        "a pattern does not allow",
        arguments: [
            ("secret/data/{namespace}/**", "secret/data/ai"), ("secret/data/{namespace}/**", "secret/data/ai-2/openai"),
            ("secret/data/{namespace}/**", "secret/data/b/ai/openai"), ("secret/data/ai/*", "secret/data/ai/a/b"),
            ("kv/{namespace}/{serviceaccount}", "kv/ai/llmxv1"), ("kv/*b", "kv/ba"), ("kv/*", "kv"), ("kv", "kv/a"),
            ("kv/a", "kv/A"), ("kv/{namespace}", "kv/{namespace}"),
        ])
    func doesNotAllow(pattern: String, path: String) {
        #expect(!PathPattern(pattern).allows(path, for: Self.subject))
    }

    @Test("a name is itself, whatever stands in it")
    func takesNamesLiterally() {
        let stranger = Subject(namespace: "*", serviceAccount: "**")
        #expect(!PathPattern("kv/{namespace}/{serviceaccount}").allows("kv/ai/llm", for: stranger))
    }

    @Test(
        "what could mean another's paths is no pattern",
        arguments: [
            "", "/a", "a/", "a//b", "a/../b", "./a", "a/**/b", "{namespace}*", "a-*-{namespace}",
            "{namespace}-{serviceaccount}", "{namespace}{namespace}", "{pod}", "a b", "a/\"",
        ])
    func refuses(pattern: String) {
        #expect(!PathPattern.syntax.accepts(pattern))
    }

    @Test("many wildcards cost no more than pattern times path")
    func isBounded() {
        let pattern = PathPattern(String(repeating: "*a", count: 250) + "b")
        #expect(!pattern.allows(String(repeating: "a", count: 500), for: Self.subject))
    }
}
