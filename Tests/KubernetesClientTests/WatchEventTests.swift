import JSON
import KubernetesModel
import Testing

@testable import KubernetesClient

@Suite("Watch events")
struct WatchEventTests {
    typealias Event = WatchEvent<ServiceAccount>

    @Test(
        "an event is read whichever member comes first",
        arguments: [
            #"{"type":"ADDED","object":{"metadata":{"name":"a","resourceVersion":"7"}}}"#,
            #"{"object":{"metadata":{"name":"a","resourceVersion":"7"}},"type":"ADDED"}"#,
            #"{"x":1,"type":"ADDED","y":[{}],"object":{"metadata":{"resourceVersion":"7","name":"a"}},"z":null}"#,
        ])
    func order(line: String) throws {
        let event = try Event(parsing: Array(line.utf8))
        guard case .added(let account) = event else {
            Issue.record("expected an object that was added, got \(event)")
            return
        }
        #expect(account.metadata.name == "a")
        #expect(event.resourceVersion == "7")
    }

    @Test("a bookmark has a version and nothing else")
    func bookmark() throws {
        let line = #"{"type":"BOOKMARK","object":{"kind":"ServiceAccount","metadata":{"resourceVersion":"9"}}}"#
        #expect(try Event(parsing: Array(line.utf8)).resourceVersion == "9")
    }

    @Test("an error is a status, not an object")
    func error() throws {
        let line = """
            {"type":"ERROR","object":{"kind":"Status","status":"Failure","message":"too old","reason":"Expired","code":410}}
            """
        guard case .error(let status) = try Event(parsing: Array(line.utf8)) else {
            Issue.record("expected an error")
            return
        }
        #expect(status.code == 410)
    }

    @Test(
        "anything else is an error",
        arguments: [
            "", "{}", "null", "[]", #"{"type":"ADDED"}"#, #"{"object":{}}"#, #"{"type":"NEWS","object":{}}"#,
            #"{"type":"ADDED","object":{}} x"#, #"{"type":"ADDED","object":{"metadata":"#,
        ])
    func malformed(line: String) {
        #expect(throws: (any Error).self) { try Event(parsing: Array(line.utf8)) }
    }
}
