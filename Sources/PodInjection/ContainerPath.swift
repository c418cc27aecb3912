internal import WorkloadIdentity

/// A path in a container. Two are equal if they name one place, however they are written.
struct ContainerPath: Hashable {
    /// As they are compared.
    private let components: [String]
    /// As they were written.
    private let written: [String]
    private let system: PodContext.OperatingSystem

    /// In bytes: `PATH_MAX` of Linux, which bounds Kubernetes' own tools.
    private static let longest = 4096

    /// - Returns: `nil` if it cannot be known here which place is meant: a relative path, one that leads upwards, one with a
    ///   variable in it, or one that no system takes.
    init?(_ text: String, on system: PodContext.OperatingSystem) {
        guard text.utf8.count <= Self.longest, !text.utf8.contains(UInt8(ascii: "$")) || !text.contains("$(") else {
            return nil
        }
        var parts: [String]
        switch system {
        case .linux:
            guard text.hasPrefix("/") else { return nil }
            parts = text.split(separator: "/").map(String.init)
        case .windows:
            var path = text[...]
            if let drive = path.first, path.dropFirst().first == ":" {
                // Volumes are mounted on the first drive.
                guard drive == "c" || drive == "C" else { return nil }
                path = path.dropFirst(2)
            }
            guard let first = path.first, Self.isSeparatorOfWindows(first) else { return nil }
            parts = path.split(whereSeparator: Self.isSeparatorOfWindows).map(String.init)
        }
        parts.removeAll { $0 == "." }
        guard !parts.contains("..") else { return nil }
        self.init(parts, on: system)
    }

    private init(_ written: [String], on system: PodContext.OperatingSystem) {
        self.written = written
        self.system = system
        switch system {
        // `/var/run` is a link to `/run`: https://refspecs.linuxfoundation.org/FHS_3.0/fhs/ch05s13.html
        case .linux: components = written.starts(with: ["var", "run"]) ? Array(written.dropFirst()) : written
        case .windows: components = written.map { $0.lowercased() }
        }
    }

    private static func isSeparatorOfWindows(_ character: Character) -> Bool { character == "\\" || character == "/" }

    static func == (left: ContainerPath, right: ContainerPath) -> Bool { left.components == right.components }
    func hash(into hasher: inout Hasher) { hasher.combine(components) }

    /// The folder that a file is in; `nil` for the root.
    var folder: ContainerPath? { written.isEmpty ? nil : ContainerPath(written.dropLast(), on: system) }

    /// The last part of it.
    var name: String { written.last ?? "" }

    /// Whether it is the same place as another, or one below it.
    func isWithin(_ other: ContainerPath) -> Bool { components.starts(with: other.components) }

    /// How many folders it is below the root.
    var depth: Int { components.count }

    /// What leads from another place to this one, which is within it. Empty if they are the same.
    func path(from other: ContainerPath) -> String {
        written.suffix(max(0, components.count - other.components.count)).joined(separator: "/")
    }

    /// The same text for all ways to write it.
    var canonical: String { "/" + components.joined(separator: "/") }

    /// For a mount, as programs on the operating system take it.
    var text: String {
        switch system {
        case .linux: "/" + written.joined(separator: "/")
        case .windows: "C:\\" + written.joined(separator: "\\")
        }
    }
}
