import NIOCore
import Testing

@testable import AdmissionWebhook

@Suite("ConnectionList") struct ConnectionListTests {
    private static let here = ConnectionSource("10.0.0.1")
    private static let there = ConnectionSource("10.0.0.2")

    private static func list(_ count: Int, perSource: Int? = nil) -> ConnectionList<String> {
        var limits = ConnectionLimits()
        limits.count = count
        limits.unprovenCountPerSource = perSource ?? count
        return ConnectionList(limits: limits)
    }

    private static func at(_ second: Double) -> NIODeadline { .uptimeNanoseconds(UInt64(second * 1_000_000_000)) }

    @Test("those go first that never shook hands, then those without an answer, then the longest idle")
    func order() {
        var list = Self.list(4)
        // The one that has been idle longest was opened first.
        for id in ["idle", "busy", "asked nothing", "silent"] {
            #expect(list.open(id, from: Self.here, at: Self.at(0)) == nil)
        }
        for id in ["idle", "busy", "asked nothing"] { list.shookHands(id, at: Self.at(0)) }
        list.answered("idle", isReview: true, at: Self.at(1))
        list.answered("busy", isReview: true, at: Self.at(1))
        list.received("busy")
        #expect(list.open("1", from: Self.there, at: Self.at(10)) == "silent")
        #expect(list.open("2", from: Self.there, at: Self.at(20)) == "1")
        list.shookHands("2", at: Self.at(20))
        list.answered("2", isReview: true, at: Self.at(20))
        #expect(list.open("3", from: Self.there, at: Self.at(30)) == "asked nothing")
        list.shookHands("3", at: Self.at(30))
        list.answered("3", isReview: true, at: Self.at(30))
        #expect(list.open("4", from: Self.there, at: Self.at(40)) == "idle")
        #expect(list.count == 4)
        #expect(list.isProven("busy"))
    }

    @Test("of those that are equal the oldest goes, so a flood does not push out who has just come")
    func oldest() {
        var list = Self.list(100)
        for number in 0..<100 { _ = list.open("\(number)", from: Self.there, at: Self.at(Double(number) / 1000)) }
        _ = list.open("API server", from: Self.here, at: Self.at(1))
        for number in 100..<198 {
            #expect(list.open("\(number)", from: Self.there, at: Self.at(1)) == "\(number - 99)")
        }
        list.shookHands("API server", at: Self.at(1))
        list.answered("API server", isReview: true, at: Self.at(1))
        #expect(list.isProven("API server"))
    }

    @Test("who has just connected is not closed for another one while somebody is merely idle")
    func patience() {
        var list = Self.list(2)
        _ = list.open("idle", from: Self.there, at: Self.at(0))
        list.shookHands("idle", at: Self.at(0))
        list.answered("idle", isReview: true, at: Self.at(0))
        _ = list.open("first", from: Self.here, at: Self.at(100))
        #expect(list.open("second", from: Self.here, at: Self.at(100.01)) == "idle")
    }

    @Test("a flood of new connections does not close those that have had an answer of late")
    func flood() {
        var list = Self.list(10)
        _ = list.open("API server", from: Self.here, at: Self.at(0))
        list.shookHands("API server", at: Self.at(0))
        list.answered("API server", isReview: true, at: Self.at(0))
        for number in 0..<1000 {
            _ = list.open("\(number)", from: Self.there, at: Self.at(50 + Double(number) / 10_000))
        }
        #expect(list.isProven("API server"))
    }

    @Test("one source cannot have more unproven connections than its share, and proven ones do not count")
    func perSource() {
        var list = Self.list(10, perSource: 3)
        for number in 0..<6 {
            let id = "\(number)"
            #expect(list.open(id, from: Self.here, at: Self.at(Double(number))) == nil)
            list.shookHands(id, at: Self.at(Double(number)))
            if number < 3 { list.answered(id, isReview: true, at: Self.at(Double(number))) }
        }
        #expect(list.open("6", from: Self.here, at: Self.at(6)) == "3")
        #expect(list.open("other", from: Self.there, at: Self.at(6)) == nil)
        list.closed("4")
        #expect(list.open("7", from: Self.here, at: Self.at(7)) == nil)
        #expect(list.open("8", from: Self.here, at: Self.at(8)) == "6")
    }

    @Test("where all are busy the new one goes")
    func allBusy() {
        var list = Self.list(2)
        for id in ["a", "b"] {
            _ = list.open(id, from: Self.here, at: Self.at(0))
            list.shookHands(id, at: Self.at(0))
            list.received(id)
        }
        #expect(list.open("c", from: Self.there, at: Self.at(9)) == "c")
        #expect(list.count == 2)
        list.answered("a", isReview: false, at: Self.at(9))
        #expect(list.open("d", from: Self.there, at: Self.at(9)) == "a")
    }

    @Test(
        "a source is an IPv4 address, however it is written, or the network of an IPv6 address",
        arguments: [
            ("10.0.0.1", "::ffff:10.0.0.1", true), ("10.0.0.1", "10.0.0.2", false),
            ("2001:db8::1", "2001:db8::2", true), ("2001:db8:0:1::1", "2001:db8:0:2::1", false), (nil, "x", true),
            ("::1", "10.0.0.1", false),
        ] as [(String?, String?, Bool)])
    func sources(_ one: String?, _ other: String?, _ isSame: Bool) {
        #expect((ConnectionSource(one) == ConnectionSource(other)) == isSame)
    }
}
