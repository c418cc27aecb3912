internal import Foundation

enum StandardError {
    static func write(_ line: String) {
        FileHandle.standardError.write(Data((line + "\n").utf8))
    }
}

enum ProcessEnvironment {
    static var variables: [String: String] { ProcessInfo.processInfo.environment }
}

/// A file named on the command line; `-` is standard input.
enum InputFile {
    /// What a command reads at most, in bytes.
    static let limit = 64 << 20

    static func text(of path: String) throws(UsageProblem) -> String {
        var isFolder: ObjCBool = false
        if FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue {
            throw UsageProblem("\(path): is a folder; name its files")
        }
        let data: Data
        do {
            // Not `Data(contentsOf:)`, which reads no pipes; and a shell's `<(…)` is one.
            let file =
                path == "-" ? FileHandle.standardInput : try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
            data = try file.readToEnd() ?? Data()
        } catch {
            throw UsageProblem("\(path): cannot be read: \(error.localizedDescription)")
        }
        guard data.count <= limit else { throw UsageProblem("\(path): is larger than \(limit >> 20) MiB") }
        let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]
        let bytes = data.dropFirst(data.starts(with: byteOrderMark) ? byteOrderMark.count : 0)
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw UsageProblem("\(path): is not UTF-8 text")
        }
        return text
    }
}
