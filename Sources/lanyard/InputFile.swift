internal import Glibc
internal import SystemPackage

/// A file named on the command line; `-` is standard input.
enum InputFile {
    /// What a command reads at most, in bytes.
    static let limit = 64 << 20

    static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    static func text(of path: String) throws(UsageProblem) -> String {
        let contents: [UInt8]
        do {
            contents = try self.contents(of: path)
        } catch Errno.isDirectory {
            throw UsageProblem("\(path): is a folder; name a file")
        } catch {
            throw UsageProblem("\(path): cannot be read: \(error)")
        }
        guard contents.count <= limit else { throw UsageProblem("\(path): is larger than \(limit >> 20) MiB") }
        let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]
        let bytes = contents.dropFirst(contents.starts(with: byteOrderMark) ? byteOrderMark.count : 0)
        guard let text = String(validating: bytes, as: UTF8.self) else {
            let isUTF16 = [[0xFE, 0xFF], [0xFF, 0xFE]].contains { bytes.starts(with: $0) }
            throw UsageProblem(
                isUTF16 ? "\(path): is UTF-16 text; save it as UTF-8" : "\(path): is not text in UTF-8")
        }
        return text
    }

    /// The bytes of a file, or of a pipe, such as a shell's `<(…)`; of a longer one more than the limit.
    private static func contents(of path: String) throws -> [UInt8] {
        guard path != "-" else { return try FileDescriptor.standardInput.contents() }
        let file = try FileDescriptor.open(FilePath(path), .readOnly, options: .closeOnExec)
        return try file.closeAfter { try file.contents() }
    }
}

extension FileDescriptor {
    fileprivate func contents() throws -> [UInt8] {
        var contents: [UInt8] = []
        while contents.count <= InputFile.limit {
            let chunk = try [UInt8](unsafeUninitializedCapacity: 1 << 18) { buffer, count in
                count = try read(into: UnsafeMutableRawBufferPointer(buffer))
            }
            if chunk.isEmpty { break }
            contents += chunk
        }
        return contents
    }
}
