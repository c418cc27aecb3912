import Testing
import WorkloadIdentity

@Suite struct ShellWordTests {
    @Test(
        "a value is one word, whatever is in it",
        arguments: [
            ("ml", "ml"), ("api://AzureADTokenExchange", "api://AzureADTokenExchange"),
            ("a@b.iam.gserviceaccount.com", "a@b.iam.gserviceaccount.com"), ("a,b", "a,b"),
            ("", "''"), ("a b", "'a b'"), ("$(id)", "'$(id)'"), ("`id`", "'`id`'"), ("a\"b", "'a\"b'"),
            ("it's", #"'it'\''s'"#), ("'; id; '", #"''\''; id; '\'''"#), ("a\\b", #"'a\b'"#),
            ("~/x", "'~/x'"), ("=ls", "'=ls'"), ("a;b", "'a;b'"), ("a&b", "'a&b'"), ("*", "'*'"), ("#a", "'#a'"),
            ("grün", "'grün'"), ("!!", "'!!'"),
        ])
    func quotes(value: String, word: String) {
        #expect(ShellWord(value).description == word)
    }

    @Test(
        "a control character never reaches the terminal as it is",
        arguments: [
            ("a\nb", #"$'a\nb'"#), ("a\rb", #"$'a\015b'"#), ("\u{1B}[A", #"$'\033[A'"#), ("a'\n\\", #"$'a\'\n\\'"#),
            ("a\u{7F}1", #"$'a\1771'"#), ("a\u{0}b\n", #"$'ab\n'"#),
        ])
    func escapes(value: String, word: String) {
        #expect(ShellWord(value).description == word)
        #expect(!word.utf8.contains { $0 < 0x20 })
    }
}
