import Testing

@testable import AdmissionWebhook

@Suite("AdmissionWarnings") struct AdmissionWarningsTests {
    @Test("stay as they are while there is room, however long one is")
    func fitting() {
        let long = String(repeating: "x", count: 3000)
        #expect(AdmissionWarnings.fitting([]) == [])
        #expect(AdmissionWarnings.fitting(["short", long]) == ["short", long])
    }

    @Test(
        "are put on one line, because the API server drops what has control characters",
        arguments: [
            ("two\nlines", "two lines"), (" \tindented\r\n", "indented"), ("a\u{0}b\u{1B}[31mc", "a b [31mc"),
            ("paragraph\u{2029}separator", "paragraph separator"), ("naïve 🦆", "naïve 🦆"),
        ])
    func oneLine(_ warning: String, _ line: String) {
        #expect(AdmissionWarnings.fitting([warning]) == [line])
    }

    @Test("are not repeated, and not empty")
    func repeated() {
        #expect(AdmissionWarnings.fitting(["b", "a", "", "b", " \n"]) == ["b", "a"])
    }

    @Test("are each cut once they are too long together")
    func cut() throws {
        let warnings = (0..<5).map { "\($0)" + String(repeating: "é", count: 999) }
        let fitting = AdmissionWarnings.fitting(warnings)
        #expect(fitting.count == 5)
        for (index, warning) in fitting.enumerated() {
            #expect(warning.unicodeScalars.count == 256)
            #expect(warning.hasPrefix("\(index)é") && warning.hasSuffix("é…"))
        }
    }

    @Test("leave out the last ones if there are too many, and say how many", arguments: [17, 40, 5000])
    func leftOut(_ count: Int) throws {
        let warnings = (0..<count).map { "\($0) " + String(repeating: "x", count: 400) }
        let fitting = AdmissionWarnings.fitting(warnings)
        #expect(fitting.count == 16)
        #expect(fitting.first?.hasPrefix("0 ") == true)
        #expect(fitting.last == "\(count - 15) more warnings are left out: there is no room for them")
        #expect(fitting.reduce(0) { $0 + $1.unicodeScalars.count } <= AdmissionWarnings.totalLimit)
    }
}
