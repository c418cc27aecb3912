/// Why there is nothing to explain. The message says what to write.
public struct ExplanationError: Error, Hashable, CustomStringConvertible {
    public let description: String

    static func unknown(_ name: String, isNot what: String, among names: [String]) -> ExplanationError {
        // Half of a name is often enough: bedrock, vertex.
        let containing = name.utf8.count > 2 ? names.filter { $0.contains(name.lowercased()) } : []
        let meant = Spelling.nearest(to: name, among: names) ?? (containing.count == 1 ? containing.first : nil)
        let advice =
            meant.map { "did you mean \($0)?" }
            ?? "write one of \(names.joined(separator: ", "))"
        return ExplanationError(description: "\(name.shortened) is not \(what); \(advice)")
    }

    static func unusable(_ value: String, as what: String) -> ExplanationError {
        ExplanationError(description: "\"\(value.shortened)\" is not usable as \(what)")
    }

    static func asksForNothing(
        _ subject: Subject, _ providers: [Provider], _ remarks: [String]
    ) -> ExplanationError {
        let names = providers.map(\.name.rawValue).joined(separator: ", ")
        let why = remarks.isEmpty ? "" : " (\(remarks.joined(separator: "; ")))"
        return ExplanationError(
            description: "\(subject) asks for no provider\(why); name the one to explain, one of \(names)")
    }
}
