import KubernetesModel
import Testing

@Suite struct ServiceAccountTokenTests {
    private static func token(_ payload: String) -> String {
        let base64 = Base64.encode(Array(payload.utf8))
        return "e30.\(String(base64.map { $0 == "+" ? "-" : $0 == "/" ? "_" : $0 })).c2ln"
    }

    @Test(
        "a token says whom it is for, by one name or by several; what is no token says nothing",
        arguments: [
            (token(#"{"aud": ["https://kubernetes.default.svc", "k3s"]}"#), ["https://kubernetes.default.svc", "k3s"]),
            (token(#"{"aud": "api~~~???>>>"}"#), ["api~~~???>>>"]), (token("{}"), []), (token("[1]"), []),
            (token(#"{"aud": 7}"#), []), ("", []), ("a.b", []), ("a.*.c", []), ("a.b.c.d", []),
        ] as [(String, [String])])
    func reads(token: String, audiences: [String]) {
        #expect(ServiceAccountToken.audiences(of: token) == Set(audiences))
    }
}
