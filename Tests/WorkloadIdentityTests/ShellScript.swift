/// A script of `explain`, read without a shell: enough of its language to see what it would do.
struct ShellScript {
    let lines: [String]
    /// The lines that a shell does not skip.
    let commands: [String]
    /// What is assigned to each variable last, as it is written.
    let assignments: [String: String]

    init(_ text: String) {
        lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        commands = lines.filter { !$0.hasPrefix("#") && !$0.isEmpty }
        assignments = Self.assignments(in: commands)
    }

    /// The commands with lines that end in a backslash joined to the next.
    var joinedCommands: [String] {
        commands.joined(separator: "\n").replacing(#/\s*\\\n\s*/#, with: " ").split(separator: "\n").map(String.init)
    }

    /// The mechanisms that have a part of their own.
    var explained: [String] {
        lines.compactMap { $0.firstMatch(of: #/^# ==== [a-z-]+ by ([a-z-]+) \(/#).map { String($0.1) } }
    }

    /// The comments as running text.
    var comments: String {
        lines.filter { $0.hasPrefix("#") }.map { $0.drop { $0 == "#" || $0 == " " } }.joined(separator: " ")
    }

    /// What a script of one way says, in comments, for taking it down again: as a script of its own, after the variables.
    var removal: ShellScript {
        var commands = lines.prefix { !$0.hasPrefix("# ====") } + lines.filter { $0.hasPrefix("ISSUER=") }
        var isRemoval = false
        for line in lines {
            if line.hasPrefix("# To take this down again") { isRemoval = true }
            if line.hasPrefix("# ====") { isRemoval = false }
            if isRemoval, line.hasPrefix("#     ") { commands.append(String(line.dropFirst(6))) }
        }
        return ShellScript(commands.joined(separator: "\n"))
    }

    /// The variables that are given values and of which nothing takes them.
    var unused: Set<String> {
        let used = commands.flatMap { line in
            line.matches(of: #/\$\{?([A-Z_]+)/#).map { String($0.1) }
                + (line.hasPrefix("export ") ? line.split(separator: " ").dropFirst().map(String.init) : [])
        }
        return Set(assignments.keys).subtracting(used)
    }

    private static func assignments(in commands: [String]) -> [String: String] {
        var assignments: [String: String] = [:]
        for line in commands {
            if let match = line.firstMatch(of: #/^(?:export )?([A-Z_]+)=(.*?)(?:  \# .*)?$/#) {
                assignments[String(match.1)] = String(match.2)
            } else if let match = line.firstMatch(of: #/^read -rs ([A-Z_]+)$/#) {
                assignments[String(match.1)] = ""
            }
        }
        return assignments
    }

    /// The variables that are used before anything is assigned to them.
    var undefined: Set<String> {
        var defined: Set<String> = []
        var undefined: Set<String> = []
        for line in commands {
            for piece in line.split(separator: "$", omittingEmptySubsequences: false).dropFirst() {
                let name = String(piece.drop { $0 == "{" }.prefix { $0.isUppercase || $0 == "_" })
                // What follows `:+` counts only if the variable has a value.
                let isOptional = name.isEmpty || line.contains("${\(name):+")
                if !isOptional, !defined.contains(name) { undefined.insert(name) }
            }
            guard line.first?.isUppercase == true || line.hasPrefix("export ") || line.hasPrefix("read ") else {
                continue
            }
            if let match = line.firstMatch(of: #/^(?:export |read -rs )?([A-Z_]+)(?:=|$)/#) {
                defined.insert(String(match.1))
            }
        }
        return undefined
    }

    /// The documents between `<<NAME` and `NAME`.
    func documents(_ name: String) -> [String] {
        var documents: [String] = []
        var document: [String]?
        for line in lines {
            if line == name {
                if let finished = document { documents.append(finished.joined(separator: "\n")) }
                document = nil
            } else if document != nil {
                document?.append(line)
            } else if line.hasSuffix("<<\(name)") {
                document = []
            }
        }
        return documents
    }

    /// A text with the script's variables in place of their names.
    ///
    /// - Parameter values: what commands and people would give to variables.
    func expanded(_ text: String, _ values: [String: String]) -> String {
        text.replacing(#/\$(?:([A-Z_]+)|\{([A-Z_]+)((?:#|//)[^}]*)?\})/#) { match in
            let name = String(match.1 ?? match.2 ?? "")
            var value = values[name] ?? expanded(unquoted(assignments[name] ?? "?\(name)?"), values)
            if match.3?.hasPrefix("#") == true, let prefix = match.3?.dropFirst(), value.hasPrefix(prefix) {
                value = String(value.dropFirst(prefix.count))
            }
            return value
        }
    }

    /// The annotations that the last `kubectl annotate` writes.
    func annotations(_ values: [String: String]) -> [String: String] {
        var annotations: [String: String] = [:]
        for command in joinedCommands where command.hasPrefix("kubectl annotate") {
            annotations = [:]
            for match in command.matches(of: #/"([^"]*=[^"]*)"/#) {
                let pair = expanded(String(match.1), values)
                guard let equals = pair.firstIndex(of: "=") else { continue }
                annotations[String(pair[..<equals])] = String(pair[pair.index(after: equals)...])
            }
        }
        return annotations
    }

    private func unquoted(_ word: String) -> String {
        for quote in ["'", "\""] where word.hasPrefix(quote) && word.hasSuffix(quote) && word.count > 1 {
            return String(word.dropFirst().dropLast()).replacing(#"'\''"#, with: "'")
        }
        return word
    }
}
