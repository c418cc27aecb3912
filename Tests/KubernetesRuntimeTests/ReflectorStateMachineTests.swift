import KubernetesClient
import KubernetesModel
import Testing

@testable import KubernetesRuntime

@Suite("Reflector state machine")
struct ReflectorStateMachineTests {
    typealias Machine = ReflectorStateMachine

    static let start = Duration.seconds(100)

    /// A machine that watches from version 5 since ``start``.
    static func watching() -> Machine {
        var machine = Machine()
        _ = machine.listed(ListMetadata(resourceVersion: "5"), at: start, chance: 0)
        return machine
    }

    static let bookmark = WatchEvent<ServiceAccount>.bookmark(resourceVersion: "9")

    @Test("begins with a list of whatever the server has at hand")
    func begins() {
        #expect(Machine().start() == .list(ListOptions(resourceVersion: "0", limit: 500)))
    }

    @Test("reads page after page, then watches from the version of the list")
    func pages() {
        var machine = Machine()
        let page = ListMetadata(resourceVersion: "5", continueToken: "next")
        #expect(machine.listed(page, at: Self.start, chance: 0) == .listNextPage(ListOptions(continueToken: "next")))
        let last = machine.listed(ListMetadata(resourceVersion: "5"), at: Self.start, chance: 0)
        #expect(last == .watch(resourceVersion: "5", timeout: .seconds(300)))
    }

    @Test("spreads the ends of watches")
    func spreads() {
        var machine = Machine()
        let action = machine.listed(ListMetadata(resourceVersion: "5"), at: Self.start, chance: 1)
        #expect(action == .watch(resourceVersion: "5", timeout: .seconds(600)))
    }

    @Test(
        "sits out a failed list and tries the same again",
        arguments: [
            (Machine.Failure.other(retryAfter: nil), Duration.milliseconds(800)),
            (.other(retryAfter: .seconds(9)), .seconds(9)), (.other(retryAfter: .zero), .milliseconds(800)),
        ])
    func listFails(failure: Machine.Failure, wait: Duration) {
        var machine = Machine()
        let wait1 = machine.listFailed(failure, chance: 0)
        #expect(wait1 == .wait(wait))
        let action = machine.waited(until: Self.start, chance: 0)
        #expect(action == .list(ListOptions(resourceVersion: "0", limit: 500)))
    }

    @Test(
        "asks etcd when the server has not yet reached, or has forgotten, a version",
        arguments: [Machine.Failure.gone, .resourceVersionTooLarge])
    func listOfUnknownVersion(failure: Machine.Failure) {
        var machine = Self.watching()
        let relist = machine.watchFailed(.gone, at: Self.start, chance: 0)
        #expect(relist == .list(ListOptions(resourceVersion: "5", limit: nil)))
        let wait = machine.listFailed(failure, chance: 0)
        #expect(wait == .wait(.milliseconds(800)))
        let action = machine.waited(until: Self.start, chance: 0)
        #expect(action == .list(ListOptions(limit: nil)))
    }

    @Test("reads all at once when pages take longer than the server remembers")
    func pagesExpire() {
        var machine = Machine()
        _ = machine.listFailed(.gone, chance: 0)
        let paged = machine.waited(until: Self.start, chance: 0)
        #expect(paged == .list(ListOptions(limit: 500)))
        let whole = machine.listFailed(.gone, chance: 0)
        #expect(whole == .list(ListOptions(limit: nil)))
        let wait = machine.listFailed(.gone, chance: 0)
        #expect(wait == .wait(.milliseconds(1600)))
    }

    @Test("takes up an ended watch where it ended")
    func watchEnds() {
        var machine = Self.watching()
        machine.heard(Self.bookmark, at: Self.start + .seconds(200))
        let action = machine.watchEnded(at: Self.start + .seconds(300), chance: 0)
        #expect(action == .watch(resourceVersion: "9", timeout: .seconds(300)))
    }

    @Test("takes up a broken watch where it broke, after a wait")
    func watchBreaks() {
        var machine = Self.watching()
        machine.heard(Self.bookmark, at: Self.start)
        let wait = machine.watchFailed(.other(retryAfter: nil), at: Self.start + .seconds(1), chance: 0)
        #expect(wait == .wait(.milliseconds(800)))
        let action = machine.waited(until: Self.start + .seconds(2), chance: 0)
        #expect(action == .watch(resourceVersion: "9", timeout: .seconds(300)))
    }

    @Test("takes a watch that ends at once without a word for a failure, and lists again")
    func shortWatch() {
        var machine = Self.watching()
        let wait = machine.watchEnded(at: Self.start + .milliseconds(10), chance: 0)
        #expect(wait == .wait(.milliseconds(800)))
        let action = machine.waited(until: Self.start, chance: 0)
        #expect(action == .list(ListOptions(resourceVersion: "5", limit: nil)))
    }

    @Test("waits longer with each failure up to some seconds, and no longer after a watch that was in order")
    func backsOff() {
        var machine = Self.watching()
        var waits: [Machine.Action] = []
        for seconds in [1, 1, 1, 1, 1, 6, 1] {
            waits.append(machine.watchFailed(.other(retryAfter: nil), at: Self.start + .seconds(seconds), chance: 0))
            _ = machine.waited(until: Self.start, chance: 0)
        }
        let expected = [800, 1600, 3200, 4000, 4000, 800, 1600].map { Machine.Action.wait(.milliseconds($0)) }
        #expect(waits == expected)
    }

    @Test("is patient until the server should have ended the watch")
    func patience() {
        let machine = Self.watching()
        #expect(machine.patience(at: Self.start) == .seconds(310))
        #expect(machine.patience(at: Self.start + .seconds(309)) == .seconds(1))
        #expect(machine.patience(at: Self.start + .seconds(400)) == .zero)
    }

    @Test("is less patient once bookmarks come")
    func patienceAfterBookmark() {
        var machine = Self.watching()
        machine.heard(Self.bookmark, at: Self.start + .seconds(60))
        #expect(machine.patience(at: Self.start + .seconds(60)) == .seconds(150))
        machine.heard(Self.bookmark, at: Self.start + .seconds(250))
        #expect(machine.patience(at: Self.start + .seconds(250)) == .seconds(60))
        _ = machine.watchEnded(at: Self.start + .seconds(300), chance: 0)
        #expect(machine.patience(at: Self.start + .seconds(300)) == .seconds(150))
    }

    @Test(
        "knows what an error means",
        arguments: [
            (APIStatus(code: 410, reason: "Expired"), Machine.Failure.gone), (APIStatus(code: 410), .gone),
            (APIStatus(code: 504, message: "Timeout: Too large resource version: 9"), .resourceVersionTooLarge),
            (APIStatus(code: 403), .other(retryAfter: nil)),
        ])
    func failures(status: APIStatus, expected: Machine.Failure) {
        #expect(Machine.Failure(KubernetesError(operation: "list", status: status)) == expected)
    }
}
