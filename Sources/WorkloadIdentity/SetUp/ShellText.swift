/// Text of a shell script that stands in this source as it is.
///
/// It is made of literals alone, without interpolation: the compiler sees to it that no value from outside gets into a
/// command. Values go into variables, as ``ShellWord``.
struct ShellText: Hashable, Sendable, ExpressibleByStringLiteral, CustomStringConvertible {
    let description: String

    init(stringLiteral text: StaticString) {
        description = text.description
    }

    /// The variables whose values it takes: `$NAME`, `${NAME…` and `export NAME`.
    var mentioned: Set<String> {
        let expanded = description.split(separator: "$", omittingEmptySubsequences: false).dropFirst().map { piece in
            (piece.first == "{" ? piece.dropFirst() : piece).prefix(while: \.isOfVariable)
        }
        let exported = description.split(separator: "\n").filter { $0.hasPrefix("export ") }.flatMap { line in
            line.split(separator: " ").dropFirst()
        }
        return Set((expanded + exported).filter { !$0.isEmpty }.map(String.init))
    }

    /// The variables to which a line of it gives values.
    var assigned: Set<String> {
        Set(
            description.split(separator: "\n").compactMap { line in
                let words = line.drop { $0 == " " }
                let name = words.prefix(while: \.isOfVariable)
                return !name.isEmpty && words.dropFirst(name.count).first == "=" ? String(name) : nil
            })
    }
}

extension Character {
    /// The scripts' variables are in capitals.
    fileprivate var isOfVariable: Bool { ("A"..."Z").contains(self) || self == "_" }
}
