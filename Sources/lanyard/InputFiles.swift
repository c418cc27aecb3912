internal import Glibc
internal import SystemPackage

/// The files that `-f` means, as kubectl finds them.
enum InputFiles {
    /// Which files of a folder are manifests.
    private static let extensions = ["json", "yaml", "yml"]
    /// More than any repository has. It bounds what a slip, such as `-R -f /`, costs.
    private static let limit = 100_000

    /// - Parameters:
    ///   - names: files, folders, or `-` for standard input.
    ///   - recursively: whether folders in folders are looked into. Links to folders are not followed.
    /// - Returns: each file once; those of a folder in the order of their names.
    static func files(named names: [String], recursively: Bool) throws(UsageProblem) -> [String] {
        var files: [String] = []
        var known: Set<String> = []
        for name in names {
            for file in try self.files(named: name, recursively: recursively) where known.insert(file).inserted {
                files.append(file)
            }
        }
        return files
    }

    private static func files(named name: String, recursively: Bool) throws(UsageProblem) -> [String] {
        guard name != "-" else { return [name] }
        if ["http://", "https://"].contains(where: name.hasPrefix) {
            throw UsageProblem("\(name): URLs are not fetched; pipe it: curl -fsSL URL | lanyard … -f -")
        }
        guard kind(of: name, followingLinks: true) == .folder else { return [name] }
        let files = try filesOfFolder(name, recursively: recursively)
        guard !files.isEmpty else {
            let elsewhere = recursively ? "" : " (--recursive looks into its subfolders, too)"
            throw UsageProblem("\(name): the folder has no .yaml, .yml or .json file\(elsewhere)")
        }
        return files
    }

    private static func filesOfFolder(_ root: String, recursively: Bool) throws(UsageProblem) -> [String] {
        var files: [String] = []
        var folders = [root]
        var count = 0
        while let folder = folders.popLast() {
            let entries = try entries(of: folder)
            try expectPlainManifests(entries, in: folder)
            count += entries.count
            guard count <= limit else { throw UsageProblem("\(root): has more than \(limit) files; name fewer") }
            var subfolders: [String] = []
            for entry in entries.sorted() {
                let path = FilePath(folder).appending(entry)
                let isManifest = path.extension.map { extensions.contains($0) } == true
                switch kind(of: path.string, followingLinks: isManifest) {
                case .folder where recursively: subfolders.append(path.string)
                case .file where isManifest: files.append(path.string)
                default: continue
                }
            }
            folders += subfolders.reversed()
        }
        return files
    }

    /// What is made into manifests by another program cannot be read as such.
    private static func expectPlainManifests(_ entries: [String], in folder: String) throws(UsageProblem) {
        if entries.contains("Chart.yaml") {
            throw UsageProblem("\(folder): is a Helm chart; pipe it: helm template \(folder) | lanyard … -f -")
        }
        if ["kustomization.yaml", "kustomization.yml", "Kustomization"].contains(where: entries.contains) {
            throw UsageProblem("\(folder): is a kustomization; pipe it: kubectl kustomize \(folder) | lanyard … -f -")
        }
    }

    private enum Kind {
        case file, folder, other
    }

    private static func kind(of path: String, followingLinks: Bool) -> Kind {
        var status = stat()
        guard (followingLinks ? stat(path, &status) : lstat(path, &status)) == 0 else { return .other }
        return switch status.st_mode & S_IFMT {
        case S_IFREG: .file
        case S_IFDIR: .folder
        default: .other
        }
    }

    private static func entries(of folder: String) throws(UsageProblem) -> [String] {
        guard let directory = opendir(folder) else {
            throw UsageProblem("\(folder): cannot be read: \(Errno(rawValue: errno))")
        }
        defer { closedir(directory) }
        var names: [String] = []
        while names.count <= limit, let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: MemoryLayout.size(ofValue: entry.pointee.d_name)) {
                    String(cString: $0)
                }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }
}
