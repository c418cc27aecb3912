import JSON
import KubernetesModel
import Testing

@Suite("Condition")
struct ConditionTests {
    let earlier = Timestamp(seconds: 1_000)
    let later = Timestamp(seconds: 2_000)

    @Test("keeps its transition time when only the reason changes")
    func keepsTransitionTime() {
        var conditions: [Condition] = []
        conditions.set(Condition(type: "Ready", status: .false, reason: "A"), at: earlier)
        let changed = conditions.set(Condition(type: "Ready", status: .false, reason: "B"), at: later)
        #expect(changed)
        #expect(conditions["Ready"]?.reason == "B")
        #expect(conditions["Ready"]?.lastTransitionTime == earlier)
        #expect(conditions["Ready"]?.lastUpdateTime == nil)
    }

    @Test("moves its transition time when the status changes")
    func movesTransitionTime() {
        var conditions: [Condition] = []
        conditions.set(Condition(type: "Ready", status: .false, reason: "A"), at: earlier)
        conditions.set(Condition(type: "Ready", status: .true, reason: "A"), at: later)
        #expect(conditions["Ready"]?.lastTransitionTime == later)
    }

    @Test("is not written again when nothing changed", arguments: [false, true])
    func isNotWrittenAgain(recordsUpdates: Bool) {
        var conditions: [Condition] = []
        let condition = Condition(type: "Ready", status: .true, reason: "A", message: "m", observedGeneration: 3)
        conditions.set(condition, at: earlier, recordsUpdates: recordsUpdates)
        let before = conditions
        let changed = conditions.set(condition, at: later, recordsUpdates: recordsUpdates)
        #expect(!changed)
        #expect(conditions == before)
    }

    @Test("records updates where the kind has a field for that")
    func recordsUpdates() {
        var conditions: [Condition] = []
        conditions.set(Condition(type: "Ready", status: .true, reason: "A"), at: earlier, recordsUpdates: true)
        conditions.set(Condition(type: "Ready", status: .true, reason: "B"), at: later, recordsUpdates: true)
        #expect(conditions["Ready"]?.lastTransitionTime == earlier)
        #expect(conditions["Ready"]?.lastUpdateTime == later)
    }

    @Test("keeps its place among others")
    func keepsPlace() {
        var conditions = ["A", "B", "C"].map { Condition(type: $0, status: .unknown, reason: "R") }
        conditions.set(Condition(type: "B", status: .true, reason: "R"), at: later)
        #expect(conditions.map(\.type) == ["A", "B", "C"])
        let removals = [conditions.remove("A"), conditions.remove("A")]
        #expect(removals == [true, false])
        #expect(conditions.map(\.type) == ["B", "C"])
    }

    @Test("is read as it is written")
    func roundTrips() throws {
        var condition = Condition(type: "Ready", status: .unknown, reason: "R", message: "m", observedGeneration: 7)
        condition.lastTransitionTime = earlier
        condition.lastUpdateTime = later
        #expect(try Condition(parsing: condition.json.serialized()) == condition)
    }
}
