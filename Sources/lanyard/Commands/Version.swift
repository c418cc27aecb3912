internal import ArgumentParser

struct Version: ParsableCommand {
    /// The release that this is, or is to become.
    static let current = "0.1.0"

    static let configuration = CommandConfiguration(abstract: "Print the version.")

    func run() throws {
        try StandardOutput.writeLine("lanyard \(Self.current)")
    }
}
