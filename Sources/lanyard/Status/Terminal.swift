#if canImport(Glibc)
internal import Glibc
#elseif canImport(Musl)
internal import Musl
#endif

enum Terminal {
    /// Lines that are broken more often are harder to read than long ones.
    private static let leastWidth = 40

    /// How many characters fit on a line of standard output; `nil` if it is no terminal, and nobody says (`COLUMNS`).
    static var width: Int? {
        let columns = ProcessEnvironment.variables["COLUMNS"].flatMap { Int($0) } ?? 0
        let width = columns > 0 ? columns : terminalWidth
        return width.map { max($0, leastWidth) }
    }

    private static var terminalWidth: Int? {
        var size = winsize()
        guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
        return Int(size.ws_col)
    }
}
