extension Explanation {
    /// The explanation as one shell script, to be read and pasted step by step.
    public var script: String {
        var script = SetUpScript()
        let whom = subject.map { "\($0)" } ?? "a ServiceAccount"
        script.line("#!/usr/bin/env bash")
        script.comment("\(parts.map(\.provider.title).listed) for \(whom) on \(facts.platform.title).")
        script.comment(
            """
            Read it, write your own values in place of <what stands in angle brackets>, and paste it step by step: it changes \
            accounts, and the cluster of kubectl's current context. In zsh, run `setopt interactive_comments` first.
            """)
        for remark in sources + remarks + parts.flatMap(\.remarks) where !remark.isEmpty { script.comment(remark) }

        let sections = parts.flatMap(\.sections)
        let cluster = SetUp.cluster(sections.map(\.setUp.issuer).reduce(.unused) { $0.merged(with: $1) }, facts)
        let needs =
            cluster.texts + sections.flatMap(\.setUp.texts) + sections.flatMap(\.ownVariables).compactMap(\.expression)
        script.blank()
        script.assign(SetUp(variables: names).variables(neededBy: needs + Self.always))
        script.assign(cluster.variables(neededBy: needs))
        // With one way only, everything to fill in comes first.
        if sections.count == 1 { script.assign(sections.flatMap(\.ownVariables)) }

        if !cluster.steps.isEmpty {
            script.heading("The cluster's issuer")
            for step in cluster.steps { script.add(step) }
        }
        for part in parts {
            for section in part.sections { script.add(section, of: part.provider, isOnlyOne: sections.count == 1) }
        }
        script.heading("The result")
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

    /// Every section annotates the ServiceAccount.
    private static let always: [ShellText] = ["$NAMESPACE $SERVICE_ACCOUNT"]

    private var outcome: [SetUp.Step] {
        [
            .init(
                """
                A ServiceAccount that comes from a manifest needs the annotations there: `lanyard check -f FILE --platform \
                \(facts.platform)` validates it before it is applied. Pods get the credential when they are created: restart \
                those that run, with `kubectl rollout restart`. Then ask the operator; `lanyard status` says more.
                """,
                #"""
                kubectl wait --for=condition=Ready "workloadidentity/${SERVICE_ACCOUNT}" --namespace "$NAMESPACE" --timeout=60s
                kubectl get workloadidentity "$SERVICE_ACCOUNT" --namespace "$NAMESPACE"
                """#)
        ]
    }
}

extension [String] {
    /// `A`, `A and B`, `A, B and C`.
    var listed: String {
        guard count > 1, let last else { return first ?? "" }
        return dropLast().joined(separator: ", ") + " and " + last
    }
}

extension SetUpScript {
    fileprivate mutating func add(_ section: Explanation.Section, of provider: Provider, isOnlyOne: Bool) {
        let name = "\(provider.name) by \(section.mechanism)"
        heading("\(name) (\(section.tier.rawValue), \(section.reach.rawValue))", name: name)
        comment("\(section.tier.explained); \(section.setUp.use ?? section.reach.explained).")
        if !isOnlyOne {
            blank()
            assign(section.ownVariables)
        }
        var number = 0
        for step in section.setUp.steps {
            number += 1
            add(step, number: number)
        }
        annotate(section.setUp, number: number + 1)
        for step in section.setUp.trial {
            number += 1
            add(step, number: number + 1)
        }
        remove(section.setUp)
    }
}

extension Explanation.Section {
    fileprivate var ownVariables: [SetUp.Variable] { setUp.variables(neededBy: setUp.texts) }
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
        case .needsCode: "the application must pass it to its SDK"
        case .platformAPIsOnly: "it calls the platform's APIs, but no model"
        }
    }
}
