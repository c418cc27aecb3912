/// A shell script in the making.
///
/// Everything that was read from somewhere is in a comment, or one word that is assigned to a variable.
struct SetUpScript {
    private(set) var text = ""
    /// What each variable was given last: one place to write one's own value in is enough.
    private var assigned: [ShellText: Said<SetUp.Variable>] = [:]
    /// Where each step was said last.
    private var places: [SetUp.Step: Said<String>] = [:]
    /// How often each variable has been given a value.
    private var versions: [String: Int] = [:]
    private var section = ""

    /// Something that holds as long as the variables that it depends on have the values which they had then.
    private struct Said<What: Hashable>: Hashable {
        var what: What
        var versions: [String: Int]
    }

    mutating func line(_ line: String) {
        text += line + "\n"
    }

    mutating func blank() {
        text += "\n"
    }

    /// - Parameter name: how later steps refer to this part.
    mutating func heading(_ title: String, name: String = "") {
        section = name
        blank()
        let line = "# ==== \(Self.printable(title)) "
        self.line(line + String(repeating: "=", count: max(4, 100 - line.count)))
    }

    /// A comment of as many lines as it takes. Whatever is in it, it ends with the last of them.
    mutating func comment(_ comment: String) {
        var line = "#"
        for word in Self.printable(comment).split(separator: " ") {
            if line.count + 1 + word.count > 100, line != "#" {
                self.line(line)
                line = "#"
            }
            line += " " + word
        }
        self.line(line)
    }

    /// Gives values to the variables, except to those that still have them.
    mutating func assign(_ variables: [SetUp.Variable]) {
        for variable in variables {
            let said = Said(what: variable, versions: versions(of: variable.expression?.mentioned ?? []))
            guard assigned.updateValue(said, forKey: variable.name) != said else { continue }
            versions[variable.name.description, default: 0] += 1
            let value =
                switch variable.value {
                case .known(let value): ShellWord(value).description
                case .placeholder(let what): ShellWord("<\(what)>").description
                case .expression(let expression): expression.description
                }
            line("\(variable.name)=\(value)" + (variable.remark.map { "  # \($0)" } ?? ""))
        }
    }

    /// One step, or where it was said, if it would do the same again.
    mutating func add(_ step: SetUp.Step, number: Int? = nil) {
        blank()
        let label = number.map { "\($0). " } ?? ""
        let own = step.commands?.assigned ?? []
        let versions = versions(of: (step.commands?.mentioned ?? []).subtracting(own))
        if let place = places[step], place.versions == versions {
            comment("\(label)As \(place.what).")
            return
        }
        if let number { places[step] = Said(what: "step \(number) of \(section)", versions: versions) }
        comment(label + step.purpose)
        step.code.map { code($0) }
        if let commands = step.commands { line(commands.description) }
        for name in own { self.versions[name, default: 0] += 1 }
        assigned = assigned.filter { !own.contains($0.key.description) }
    }

    mutating func annotate(_ setUp: SetUp, number: Int) {
        blank()
        comment("\(number). The ServiceAccount. It must exist; its other annotations stay.")
        let annotations = setUp.annotations + setUp.sharedAnnotations
        let words = annotations.map { "  \"\($0)\"" }.joined(separator: " \\\n")
        line(#"kubectl annotate serviceaccount "$SERVICE_ACCOUNT" --namespace "$NAMESPACE" --overwrite \"#)
        line(words)
    }

    /// How to take it down again: in comments, so that nothing of it is run with the rest.
    mutating func remove(_ setUp: SetUp) {
        func keys(_ annotations: [ShellText]) -> [String] {
            annotations.map { String($0.description.prefix { $0 != "=" }) }
        }
        blank()
        comment(
            """
            To take this down again, run what follows in this order, without the number signs, in a shell that has the \
            variables above. Pods keep what they were given until they are restarted.
            """)
        let removed = keys(setUp.annotations).map { " \"\($0)-\"" }.joined()
        if !removed.isEmpty {
            code(#"kubectl annotate serviceaccount "$SERVICE_ACCOUNT" --namespace "$NAMESPACE""# + removed)
        }
        let shared = keys(setUp.sharedAnnotations)
        if !shared.isEmpty {
            comment(
                """
                \(shared.joined(separator: ", ")): other providers of the ServiceAccount may need \
                \(shared.count == 1 ? "it" : "them"). Remove or edit by hand.
                """)
        }
        for step in setUp.removal {
            comment(step.purpose)
            if let commands = step.commands { code(commands.description) }
        }
    }

    /// Lines that are shown and not run.
    private mutating func code(_ code: String) {
        for line in code.split(separator: "\n", omittingEmptySubsequences: false) {
            self.line("#     \(Self.printable(String(line)))")
        }
    }

    private func versions(of names: Set<String>) -> [String: Int] {
        versions.filter { names.contains($0.key) }
    }

    /// Without anything that ends a line, in a file or on the terminal that it is pasted into.
    private static func printable(_ text: String) -> String {
        String(
            String.UnicodeScalarView(
                text.unicodeScalars.map { scalar in
                    switch scalar.properties.generalCategory {
                    case .control, .lineSeparator, .paragraphSeparator, .format: " "
                    default: scalar
                    }
                }))
    }
}
