internal import SystemPackage

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Musl)
internal import Musl
#endif

/// A line of standard error that says how far it has got, and is gone in the end. Only a terminal has it.
struct VerificationProgress {
    private let total: Int
    private let isShown: Bool

    init(of total: Int) {
        self.total = total
        isShown = total > 1 && isatty(STDERR_FILENO) == 1
        show(0)
    }

    func show(_ done: Int) {
        write("\r\(done) of \(total) ServiceAccounts tried")
    }

    func end() {
        write("\r\u{1B}[K")
    }

    private func write(_ text: String) {
        guard isShown else { return }
        _ = try? FileDescriptor.standardError.writeAll(text.utf8)
    }
}
