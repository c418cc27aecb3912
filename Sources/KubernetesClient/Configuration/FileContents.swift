internal import SystemPackage

/// Reads files that are small: tokens, certificates, configuration.
enum FileContents {
    struct Failure: Error, Hashable, CustomStringConvertible {
        var path: String
        var message: String

        var description: String { "\(path): \(message)" }
    }

    /// - Parameter limit: a longer file is an error.
    static func read(_ path: String, limit: Int = 1 << 20) throws(Failure) -> [UInt8] {
        do {
            let file = try FileDescriptor.open(FilePath(path), .readOnly, options: .closeOnExec)
            return try file.closeAfter {
                var contents: [UInt8] = []
                while true {
                    let chunk = try [UInt8](unsafeUninitializedCapacity: 16 << 10) { buffer, count in
                        count = try file.read(into: UnsafeMutableRawBufferPointer(buffer))
                    }
                    if chunk.isEmpty { return contents }
                    contents += chunk
                    guard contents.count <= limit else {
                        throw Failure(path: path, message: "longer than \(limit) bytes")
                    }
                }
            }
        } catch let failure as Failure {
            throw failure
        } catch {
            throw Failure(path: path, message: "\(error)")
        }
    }
}
