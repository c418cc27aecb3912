import Testing

@testable import Operator

@Suite("The pace of a keeper that is woken by changes") struct WakePaceTests {
    /// What each of so many changes waits for.
    private func delays(_ pace: inout WakePace, _ count: Int, afterRest rest: Duration) -> [Duration] {
        (0..<count).map { _ in pace.delay(afterRest: rest) }
    }

    @Test("changes that come now and then are answered at once, however many there are in the end")
    func now() {
        var pace = WakePace()
        for _ in 0..<100 {
            let disturbance = [pace.delay(afterRest: .seconds(3))] + delays(&pace, 5, afterRest: .zero)
            #expect(disturbance.allSatisfy { $0 == .milliseconds(20) })
        }
    }

    @Test("changes that do not stop are answered slower and slower, up to a limit")
    func slower() {
        var pace = WakePace()
        let all = delays(&pace, 100, afterRest: .milliseconds(10))
        #expect(all.prefix(20).allSatisfy { $0 == .milliseconds(20) })
        #expect(zip(all, all.dropFirst()).allSatisfy { $0 <= $1 })
        #expect(all.last == .seconds(5))
    }

    @Test("the patience comes back with the rest")
    func recovers() {
        var pace = WakePace()
        _ = delays(&pace, 100, afterRest: .zero)
        let first = pace.delay(afterRest: .seconds(5))
        #expect(first == .milliseconds(20))
        let more = delays(&pace, 30, afterRest: .zero)
        #expect(more.last == .seconds(5))
        let later = pace.delay(afterRest: .seconds(60))
        #expect(later == .milliseconds(20))
        let again = delays(&pace, 19, afterRest: .zero)
        #expect(again.allSatisfy { $0 == .milliseconds(20) })
    }
}
