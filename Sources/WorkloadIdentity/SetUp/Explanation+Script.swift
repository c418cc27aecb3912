extension Explanation {
    /// The explanation as one shell script, to be read and pasted step by step.
    ///
    /// Everything that was read from somewhere is in a comment, or one word that is assigned to a variable.
    public var script: String {
        var script = Script()
        let whom = subject.map { "\($0)" } ?? "a ServiceAccount"
        script.line("#!/usr/bin/env bash")
        script.comment("\(provider.title) for \(whom) on \(facts.platform.title).")
        script.comment(
            """
            Read it, put your own values in place of <what stands in angle brackets>, and paste it step by step: it changes \
            accounts, and the cluster of kubectl's current context. In zsh, run `setopt interactive_comments` first.
            """)
        for remark in remarks where !remark.isEmpty { script.comment(remark) }

        script.blank()
        script.assign(names)
        let cluster = SetUp.cluster(issuerUse, facts)
        script.assign(cluster.variables)
        // With one way only, everything to fill in comes first.
        if sections.count == 1 { script.assign(sections.flatMap(\.setUp.variables)) }

        if !cluster.steps.isEmpty {
            script.heading("The cluster's issuer")
            for step in cluster.steps { script.add(step) }
        }
        for section in sections {
            script.heading(
                "\(section.mechanism) (\(section.tier.rawValue), \(section.reach.rawValue))",
                name: section.mechanism.rawValue)
            script.comment("\(section.tier.explained); \(section.reach.explained).")
            if sections.count > 1 {
                script.blank()
                script.assign(section.setUp.variables)
            }
            for (index, step) in section.setUp.steps.enumerated() { script.add(step, number: index + 1) }
            script.annotate(section.setUp.annotations, number: section.setUp.steps.count + 1)
        }
        script.heading("What comes of it")
        for step in outcome { script.add(step) }
        return script.text
    }

    private var names: [SetUp.Variable] {
        [
            .init("NAMESPACE", subject?.namespace, or: .placeholder("namespace")),
            .init("SERVICE_ACCOUNT", subject?.serviceAccount, or: .placeholder("ServiceAccount")),
            .init("SUBJECT", .expression(#""system:serviceaccount:${NAMESPACE}:${SERVICE_ACCOUNT}""#)),
            .init(
                "NAME", .expression(#""lanyard-${NAMESPACE}-${SERVICE_ACCOUNT//./-}""#),
                remark: "of what the steps create"),
        ]
    }

    /// What the most demanding section makes of the issuer.
    private var issuerUse: SetUp.IssuerUse {
        let uses = sections.map(\.setUp.issuer)
        let fetched = uses.first { if case .fetched = $0 { true } else { false } }
        return fetched ?? (uses.contains(.named) ? .named : .unused)
    }

    private var outcome: [SetUp.Step] {
        [
            .init(
                """
                A ServiceAccount that comes from a manifest needs the annotations there: `lanyard check -f FILE --platform \
                \(facts.platform)` judges it before it is applied. Pods get the credential when they are created: restart \
                those that run, with `kubectl rollout restart`. Then ask the operator; `lanyard status` says more.
                """,
                #"""
                kubectl wait --for=condition=Ready "workloadidentity/${SERVICE_ACCOUNT}" --namespace "$NAMESPACE" --timeout=60s
                kubectl get workloadidentity "$SERVICE_ACCOUNT" --namespace "$NAMESPACE"
                """#)
        ]
    }
}

extension Tier {
    fileprivate var explained: String {
        switch self {
        case .native: "The platform's own identity"
        case .federated: "The provider trusts the cluster's issuer, and no key is stored"
        case .vault: "A stored key"
        }
    }
}

extension Reach {
    fileprivate var explained: String {
        switch self {
        case .sdkDefault: "the provider's SDK finds the credential by itself"
        case .needsCode: "the application has to pass it to its SDK"
        case .platformAPIsOnly: "it calls the platform's APIs, but no model"
        }
    }
}

/// A shell script in the making.
private struct Script {
    private(set) var text = ""
    /// What each variable has now: one place to write one's own value in is enough.
    private var assigned: [ShellText: SetUp.Variable] = [:]
    /// Where each step has been said.
    private var places: [SetUp.Step: String] = [:]
    private var section = ""

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

    mutating func assign(_ variables: [SetUp.Variable]) {
        for variable in variables where assigned.updateValue(variable, forKey: variable.name) != variable {
            let value =
                switch variable.value {
                case .known(let value): ShellWord(value).description
                case .placeholder(let what): ShellWord("<\(what)>").description
                case .expression(let expression): expression.description
                }
            line("\(variable.name)=\(value)" + (variable.remark.map { "  # \($0)" } ?? ""))
        }
    }

    mutating func add(_ step: SetUp.Step, number: Int? = nil) {
        blank()
        let label = number.map { "\($0). " } ?? ""
        if let place = places[step] {
            comment("\(label)As \(place).")
            return
        }
        if let number { places[step] = "step \(number) of \(section)" }
        comment(label + step.purpose)
        for line in step.code?.split(separator: "\n", omittingEmptySubsequences: false) ?? [] {
            self.line("#     \(Self.printable(String(line)))")
        }
        if let commands = step.commands { line(commands.description) }
    }

    mutating func annotate(_ annotations: [ShellText], number: Int) {
        blank()
        comment("\(number). The ServiceAccount. It has to exist; its other annotations stay.")
        let words = annotations.map { "  \"\($0)\"" }.joined(separator: " \\\n")
        line(#"kubectl annotate serviceaccount "$SERVICE_ACCOUNT" --namespace "$NAMESPACE" --overwrite \"#)
        line(words)
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
