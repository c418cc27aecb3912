import SystemPackage

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// A folder that goes away with its test.
final class TemporaryFolder {
    let path: String
    private var files: [String] = []

    init() throws {
        var template = Array("/tmp/kubernetes-client-tests.XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw Errno(rawValue: errno) }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit {
        for file in files { unlink(file) }
        rmdir(path)
    }

    @discardableResult
    func write(_ text: String, to name: String, isExecutable: Bool = false) throws -> String {
        let file = "\(path)/\(name)"
        let permissions: FilePermissions = isExecutable ? [.ownerReadWriteExecute] : [.ownerReadWrite]
        let descriptor = try FileDescriptor.open(
            FilePath(file), .writeOnly, options: [.create, .truncate], permissions: permissions)
        _ = try descriptor.closeAfter { try descriptor.writeAll(text.utf8) }
        files.append(file)
        return file
    }

    func remove(_ name: String) {
        unlink("\(path)/\(name)")
    }
}
