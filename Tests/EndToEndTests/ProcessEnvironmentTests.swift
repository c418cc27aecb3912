import Foundation
import Testing

@testable import lanyard

@Suite struct ProcessEnvironmentTests {
    @Test("the variables are the process's, as Foundation reads them")
    func variables() {
        #expect(ProcessEnvironment.variables == ProcessInfo.processInfo.environment)
    }

    @Test("the host's name is the kernel's")
    func hostName() throws {
        let name = try String(contentsOfFile: "/proc/sys/kernel/hostname", encoding: .utf8)
        #expect(ProcessEnvironment.hostName == name.trimmingCharacters(in: .whitespacesAndNewlines))
    }

    @Test(
        "the host of a webhook's URL is found",
        arguments: [
            ("https://10.0.0.5:8443", "10.0.0.5"), ("https://host.example", "host.example"),
            ("https://host:1/", "host"),
            ("https://host:1/base/path", "host"), ("https://[::1]:8443", "::1"), ("https://[fd00::1]/x", "fd00::1"),
            ("http://host", nil), ("https://", nil), ("https:///x", nil), ("https://:8443", nil),
            ("https://host:x", nil),
            ("https://host:70000", nil), ("https://::1", nil), ("https://a@host", nil), ("https://host?q", nil),
            ("https://host#f", nil), ("https://ho st", nil), ("https://h\u{F6}st", nil), ("host", nil), ("", nil),
        ] as [(String, String?)])
    func webhookURL(url: String, host: String?) {
        #expect(WebhookURL(url)?.host == host)
    }
}
