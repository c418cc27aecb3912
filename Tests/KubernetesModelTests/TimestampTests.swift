import JSON
import KubernetesModel
import Testing

@Suite("Timestamp")
struct TimestampTests {
    @Test(
        "reads RFC 3339 with any offset and any number of digits of a second",
        arguments: [
            ("1970-01-01T00:00:00Z", Timestamp(seconds: 0)),
            ("1969-12-31T23:59:59Z", Timestamp(seconds: -1)),
            ("2024-02-29T12:34:56Z", Timestamp(seconds: 1_709_210_096)),
            ("2024-02-29T13:34:56+01:00", Timestamp(seconds: 1_709_210_096)),
            ("2024-02-29T07:04:56-05:30", Timestamp(seconds: 1_709_210_096)),
            ("2024-02-29t12:34:56.5z", Timestamp(seconds: 1_709_210_096, nanoseconds: 500_000_000)),
            ("2024-02-29T12:34:56.123456Z", Timestamp(seconds: 1_709_210_096, nanoseconds: 123_456_000)),
            ("2024-02-29T12:34:56.1234567891Z", Timestamp(seconds: 1_709_210_096, nanoseconds: 123_456_789)),
            ("0001-01-01T00:00:00Z", Timestamp(seconds: -62_135_596_800)),
            ("9999-12-31T23:59:59Z", Timestamp(seconds: 253_402_300_799)),
        ])
    func reads(text: String, expected: Timestamp) {
        #expect(Timestamp(text) == expected)
    }

    @Test(
        "reads nothing else",
        arguments: [
            "", "2024-02-29", "2024-02-29T12:34:56", "2024-02-29 12:34:56Z", "2024-13-01T00:00:00Z",
            "2024-02-29T24:00:00Z", "2024-02-29T12:34:56.Z", "2024-02-29T12:34:56Z ", "2024-02-29T12:34:56+0100",
            "+024-02-29T12:34:56Z", "2024-02-29T12:34:56+99:00", "٢٠٢٤-02-29T12:34:56Z",
        ])
    func readsNothingElse(text: String) {
        #expect(Timestamp(text) == nil)
    }

    @Test("is written as it was read, through four centuries")
    func roundTrips() {
        for day in stride(from: Int64(-25_567), through: 146_097, by: 11) {
            let timestamp = Timestamp(seconds: day * 86_400 + 3661, nanoseconds: 42_000)
            #expect(Timestamp(timestamp.microsecondDescription) == timestamp)
        }
    }

    @Test("is written with whole seconds or with six digits")
    func isWritten() {
        let timestamp = Timestamp(seconds: 1_709_210_096, nanoseconds: 1_234_999)
        #expect(timestamp.description == "2024-02-29T12:34:56Z")
        #expect(timestamp.microsecondDescription == "2024-02-29T12:34:56.001234Z")
    }

    @Test("is later than a build of this program")
    func isNow() {
        #expect(Timestamp.now > Timestamp(seconds: 1_700_000_000))
    }

    @Test("says where the text stands that is no time")
    func saysWhere() {
        var json = JSONReader(Array(#"  "yesterday""#.utf8))
        #expect(throws: JSONError.self) { try json.optionalTimestamp() }
    }
}
