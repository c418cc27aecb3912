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
        #expect(last == .watch(resourceVersion: "5", timeout: .seconds(85)))
    }

    @Test("spreads the ends of watches")
    func spreads() {
        var machine = Machine()
        let action = machine.listed(ListMetadata(resourceVersion: "5"), at: Self.start, chance: 1)
        #expect(action == .watch(resourceVersion: "5", timeout: .seconds(170)))
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
        machine.heard(Self.bookmark)
        let action = machine.watchEnded(at: Self.start + .seconds(85), chance: 0)
        #expect(action == .watch(resourceVersion: "9", timeout: .seconds(85)))
    }

    @Test("takes up a broken watch where it broke, after a wait")
    func watchBreaks() {
        var machine = Self.watching()
        machine.heard(Self.bookmark)
        let wait = machine.watchFailed(.other(retryAfter: nil), at: Self.start + .seconds(1), chance: 0)
        #expect(wait == .wait(.milliseconds(800)))
        let action = machine.waited(until: Self.start + .seconds(2), chance: 0)
        #expect(action == .watch(resourceVersion: "9", timeout: .seconds(85)))
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

    @Test("is patient until the server should have ended the watch, which is three minutes at most")
    func patience() {
        let machine = Self.watching()
        #expect(machine.patience(at: Self.start) == .seconds(95))
        #expect(machine.patience(at: Self.start + .seconds(94)) == .seconds(1))
        #expect(machine.patience(at: Self.start + .seconds(400)) == .zero)
        var longest = Machine()
        _ = longest.listed(ListMetadata(resourceVersion: "5"), at: Self.start, chance: 1)
        #expect(longest.patience(at: Self.start) == .seconds(180))
    }

    /// What a watch comes to: after how long, and how.
    enum Ending {
        case failure(Machine.Failure)
        case failureAfterEvent(Machine.Failure)
        case end
    }

    @Test(
        "asks whether the server answers where the watch got no answer, and nowhere else",
        arguments: [
            (Ending.failure(.silent), Duration.seconds(95), true), (.failure(.silent), .milliseconds(500), true),
            (.failureAfterEvent(.silent), .seconds(95), true),
            (.failure(.disconnected), .milliseconds(500), true),
            // It was open.
            (.failure(.disconnected), .seconds(20), false),
            (.failureAfterEvent(.disconnected), .milliseconds(500), false),
            // It was answered.
            (.failure(.other(retryAfter: nil)), .milliseconds(500), false),
            (.failure(.resourceVersionTooLarge), .milliseconds(500), false),
            (.failure(.gone), .milliseconds(500), false), (.end, .seconds(85), false),
        ])
    func probes(ending: Ending, after duration: Duration, asks: Bool) {
        var machine = Self.watching()
        #expect((end(&machine, ending, at: Self.start + duration) == .probe) == asks)
    }

    private func end(_ machine: inout Machine, _ ending: Ending, at now: Duration) -> Machine.Action {
        switch ending {
        case .failure(let failure):
            return machine.watchFailed(failure, at: now, chance: 0)
        case .failureAfterEvent(let failure):
            machine.heard(Self.bookmark)
            return machine.watchFailed(failure, at: now, chance: 0)
        case .end:
            return machine.watchEnded(at: now, chance: 0)
        }
    }

    /// A watch that gets no answer, and then whether the server gives one to a list.
    private func fail(_ machine: inout Machine, at seconds: Int, isAnswered: Bool, chance: Double = 0) -> Machine.Action
    {
        let now = Self.start + .seconds(seconds)
        if case .waiting = machine.state { _ = machine.waited(until: now, chance: 0) }
        #expect(machine.watchFailed(.silent, at: now, chance: 0) == .probe)
        return machine.probed(isAnswered: isAnswered, at: now, chance: chance)
    }

    @Test("gives up when the server has answered for a minute in which the watch did not work")
    func givesUp() {
        var machine = Self.watching()
        #expect(fail(&machine, at: 10, isAnswered: true) == .wait(.milliseconds(800)))
        #expect(fail(&machine, at: 69, isAnswered: true) != .giveUp)
        #expect(fail(&machine, at: 70, isAnswered: true) == .giveUp)
    }

    @Test("gives up later by chance, so that replicas do not end together")
    func givesUpLater() {
        var machine = Self.watching()
        _ = fail(&machine, at: 10, isAnswered: true, chance: 1)
        #expect(fail(&machine, at: 129, isAnswered: true) != .giveUp)
        #expect(fail(&machine, at: 130, isAnswered: true) == .giveUp)
    }

    @Test("does not give up while the server is away, however long")
    func serverAway() {
        var machine = Self.watching()
        for seconds in stride(from: 0, to: 36_000, by: 60) {
            #expect(fail(&machine, at: seconds, isAnswered: false) != .giveUp)
        }
        // What was answered before it went away does not count.
        #expect(fail(&machine, at: 36_010, isAnswered: true) != .giveUp)
        #expect(fail(&machine, at: 36_040, isAnswered: false) != .giveUp)
        #expect(fail(&machine, at: 36_080, isAnswered: true) != .giveUp)
        #expect(fail(&machine, at: 36_139, isAnswered: true) != .giveUp)
        #expect(fail(&machine, at: 36_140, isAnswered: true) == .giveUp)
    }

    @Test(
        "does not give up when the watch has worked in between",
        arguments: [Ending.end, .failureAfterEvent(.silent), .failure(.other(retryAfter: nil))])
    func worksInBetween(ending: Ending) {
        var machine = Self.watching()
        _ = fail(&machine, at: 10, isAnswered: true)
        _ = machine.waited(until: Self.start + .seconds(11), chance: 0)
        if case .probe = end(&machine, ending, at: Self.start + .seconds(60)) {
            _ = machine.probed(isAnswered: true, at: Self.start + .seconds(60), chance: 0)
        }
        if case .watching = machine.state {
            #expect(machine.watchFailed(.silent, at: Self.start + .seconds(70), chance: 0) == .probe)
            #expect(machine.probed(isAnswered: true, at: Self.start + .seconds(70), chance: 0) != .giveUp)
        } else {
            #expect(fail(&machine, at: 70, isAnswered: true) != .giveUp)
        }
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
