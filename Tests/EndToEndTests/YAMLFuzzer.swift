import Foundation
import GeneratedPods

/// Makes up YAML texts, valid and nearly valid: the same ones for the same seed.
struct YAMLFuzzer {
    private var numbers: RandomNumbers

    init(seed: Int) {
        numbers = RandomNumbers(seed: UInt64(seed))
    }

    /// How many inputs a test tries: as many as a debug build does in a second or two, or `YAML_FUZZ_INPUTS`.
    static let inputs = ProcessInfo.processInfo.environment["YAML_FUZZ_INPUTS"].flatMap(Int.init) ?? 2000

    mutating func text() -> String {
        var text: [UInt8] =
            switch below(20) {
            case 0...5: (0..<below(25)).flatMap { _ in Array(any(of: Self.pieces).utf8) }
            case 6...9: Array(AliasedDocuments(seed: numbers.next()).text.utf8)
            case 10: Array(HostileYAML.laughs(levels: 3 + below(40)) { "[\($0), \($0)]" }.utf8)
            case 11: Array(HostileYAML.nested("x", below(140)).utf8)
            default: Array(any(of: Self.corpus).utf8)
            }
        if below(4) > 0 {
            for _ in 0...below(5) { mutate(&text) }
        }
        return String(decoding: text, as: UTF8.self)
    }

    private mutating func below(_ limit: Int) -> Int { Int.random(in: 0..<limit, using: &numbers) }

    private mutating func any<Element>(of elements: [Element]) -> Element { elements[below(elements.count)] }

    private mutating func mutate(_ text: inout [UInt8]) {
        let start = below(text.count + 1)
        let part = start..<min(text.count, start + below(12))
        switch below(6) {
        case 0: text.insert(contentsOf: any(of: Self.pieces).utf8, at: start)
        case 1: text.removeSubrange(part)
        case 2: text.insert(contentsOf: text[part], at: below(text.count + 1))
        case 3: text.insert(UInt8(below(256)), at: start)
        case 4: text.replaceSubrange(part, with: any(of: Self.pieces).utf8)
        default: if below(6) == 0 { text.removeSubrange(start...) }
        }
    }

    /// What YAML gives a meaning, and what it does not allow.
    private static let pieces = [
        "&a ", "*a", "*a ", "<<: *a\n", "<<: [*a, *a]\n", "<<", "- ", "-", "? ", ": ", ":", "{", "}", "[", "]", ", ",
        ",", "\"", "'", "|", "|-\n", "|+2\n", ">", ">-\n", "#", " #", "!!int ", "!!float ", "!!bool ", "!!null ",
        "!!str ", "!", "!<x>", "!x!y ", "%YAML 1.2\n", "%TAG ! tag:x,2000:\n", "---\n", "...\n", "\t", " ", "  ",
        "\n", "\n  ", "\r\n", "\r", "\u{85}", "\u{2028}", "\u{FEFF}", "\0", "\u{7F}", "\u{1F600}", "~", "null", "yes",
        "0x1F", "0o17", "1_000", "1e3", "-.5", ".inf", "1:30", "2001-01-01", "a: b\n", "- a\n", "\\", "\\x41",
        "\\ud83d", "\\U0010FFFF", "@", "`", "=", "k: |\n  text\n", "word",
    ]

    private static let corpus = [
        """
        %YAML 1.1
        %TAG !e! tag:example.com,2000:
        ---
        a: &a !!str 1
        b: *a
        ? k
        : v
        literal: |+2
            x
           y

        folded: >-
          a
          b

           c
        'q': 'it''s'
        "d": "\\x41\\u00e9\\U0001F600 \\
          more"
        m: {<<: [&c {d: e}, *c], f: !e!x y}
        s: [a, b, [c, {d: e}], "f": g]
        ...
        ---
        - - - x
          - y
        -
          z
        - ! q
        - !<tag:x> w
        """,
        """
        apiVersion: v1
        kind: List
        items:
        - apiVersion: v1
          kind: ServiceAccount
          metadata:
            name: llm
            namespace: ai
            annotations:
              lanyard.dev/provider: bedrock # of AWS
              lanyard.dev/bedrock-role-arn: "arn:aws:iam::123456789012:role/llm"
        - apiVersion: apps/v1
          kind: Deployment
          metadata: {name: app, namespace: ai, labels: {app: 'x'}}
          spec:
            replicas: 0x2
            template:
              spec:
                serviceAccountName: llm
                containers:
                - name: app
                  image: app:1
                  env: [{name: A, value: "1"}, {name: B, value: y}]
                  command:
                  - sh
                  - -c
                  - |
                    echo "$A" &&
                      exec app
        """,
        "{\"apiVersion\": \"v1\", \"kind\": \"Pod\", \"spec\": {\"containers\": [{\"name\": \"a\\u00e9\", \"n\": -1.5e3}]}}\n",
        "\r\na: b\r\nc:\r\n  - d\r\n  - e # f\r\ng: |\r\n  h\r\n  i\r\n",
        "plain words\n over lines\n\n and more\n--- &x\n--- !!map {}\n--- [a, b, c, ]\n--- {a, ? b : c, 'd':e}\n",
        "a: 0x1F\nb: 017\nc: 1_000\nd: .5\ne: ~\nf:\ng: yes\nh: !!int \"7\"\ni: !!float 3\nj: !!null ''\nk: !!bool on\n",
    ]
}
