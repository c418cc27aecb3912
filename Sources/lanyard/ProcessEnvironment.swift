// The C library's `environ` is a variable; nothing here writes to it.
@preconcurrency internal import Glibc

/// Where this process runs.
enum ProcessEnvironment {
    /// Of variables that are set twice the first counts, as for `getenv`.
    static var variables: [String: String] {
        var variables: [String: String] = [:]
        var next: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = environ
        while let variable = next?.pointee {
            next = next?.successor()
            let parts = String(cString: variable).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, variables[String(parts[0])] == nil else { continue }
            variables[String(parts[0])] = String(parts[1])
        }
        return variables
    }

    /// This machine's name; a pod's is the pod's.
    static var hostName: String {
        // Linux allows 64 bytes and the zero after them (gethostname(2)).
        var name = [CChar](repeating: 0, count: 65)
        guard gethostname(&name, name.count - 1) == 0 else { return "localhost" }
        return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
