extension Binding {
    /// Chooses the first mechanism that fits, or says what the nearest ones lack. One that reaches no model is taken, and
    /// the search goes on for one that does.
    init(_ provider: Provider, cell: [Mechanism], _ request: BindingRequest) {
        self.provider = provider.name
        problems = []
        // A default in place of a malformed choice could be what the user wants to avoid.
        let malformed = request.inputs.problems(with: provider.keysOfChoice, of: provider.name)
        guard malformed.isEmpty else {
            problems = malformed
            return
        }
        if let forced = request.forced, !cell.contains(forced) {
            problems = [request.doesNotServe(forced, cell)]
            return
        }
        let delivery = request.secretDelivery ?? cell.first(where: \.isSecretDelivery)
        let candidates = request.forced.map { [$0] } ?? cell.filter { !$0.isSecretDelivery || $0 == delivery }
        var shortcomings: [Shortcoming] = []
        var denials: [Problem] = []
        for mechanism in candidates {
            guard !reachesModel, let candidate = provider.mechanism(mechanism) else { continue }
            var shortcoming = Shortcoming(of: candidate, request)
            switch candidate.attempt(request) {
            case .fits(let grant) where shortcoming.isNone:
                accept(grant, by: candidate, of: provider, request)
                continue
            case .fits: break
            case .denied(let problem):
                makesObject = makesObject || Mechanism.bySecretObject.contains(mechanism)
                denials.append(problem)
                continue
            case .missing(let inputs): shortcoming.needs += inputs
            }
            shortcomings.append(shortcoming)
        }
        let foreign = provider.foreignKeys(to: cell, request)
        if !reachesModel, !denials.isEmpty {
            problems += denials
        } else if isBlocked {
            problems = request.problems(of: shortcomings, beside: foreign, cell, provider)
        } else {
            if !reachesModel { problems.append(request.reachesNoModel(outcomes.map(\.mechanism))) }
            problems += foreign.filter { key in !problems.contains { $0.field == key.name } }.map { key in
                request.problem(.warning, .noEffect, with: key, provider.home(of: key, request))
            }
        }
    }

    private mutating func accept(
        _ grant: Grant, by mechanism: any CredentialMechanism, of provider: Provider, _ request: BindingRequest
    ) {
        let inputs = request.inputs
        let addition = grant.addition
        let ownVariables = Set(addition.groups.flatMap(\.variables).map(\.name))
        let hazards = (mechanism.mechanism.isSecretDelivery ? [] : provider.hazards + grant.hazards)
            .compactMap { $0.without(ownVariables) }
        let outcome = Outcome(
            mechanism: mechanism.mechanism,
            tier: mechanism.tier(on: request.facts.platform),
            reach: mechanism.reach,
            addition: addition,
            object: grant.object,
            containers: ContainerSelection(
                include: inputs.names(
                    provider.includeKey.flatMap { inputs[$0] == nil ? nil : $0 } ?? .includeContainers),
                skip: inputs.names(.skipContainers) + (provider.skipKey.map(inputs.names) ?? [])),
            hazards: hazards,
            trust: Outcome.Trust(grant, by: mechanism.mechanism),
            identity: grant.identity.map { "\($0.name)=\($0.value)" }.joined(separator: "\n"),
            decisiveVariables: addition.filesReadFirst + addition.yieldsTo + ownVariables
                + hazards.flatMap(\.variables),
            isAlikeForContainers: addition.expected.isEmpty && addition.groups.allSatisfy(\.containers.isUnlimited))
        outcomes.append(outcome)
        makesObject = makesObject || grant.object != nil
        problems += grant.problems + mechanism.reservations(request)
    }
}

/// Why a mechanism does not fit.
private struct Shortcoming {
    let mechanism: Mechanism
    /// Keys that say which identity is meant, and that have been reported.
    let malformed: [AnnotationKey]
    /// As elements of "it needs …", what the cluster lacks first: without it no annotation helps.
    var needs: [String]
    /// How many of its keys are given: people likely mean the mechanism that has most.
    let nearness: Int

    init(of mechanism: any CredentialMechanism, _ request: BindingRequest) {
        self.mechanism = mechanism.mechanism
        malformed = mechanism.decisiveKeys.filter(request.inputs.isInvalid)
        needs = mechanism.unmetNeeds(request)
        nearness = mechanism.decisiveKeys.count(where: request.inputs.isGiven)
    }

    var isNone: Bool { malformed.isEmpty && needs.isEmpty }

    var sentence: String { "\(mechanism) needs \(needs.joined(separator: " and "))" }

    /// Names the first need, and of the others as many as there is room for.
    func sentence(within room: Int) -> String {
        guard sentence.count > room, needs.count > 1 else { return sentence }
        var fewer = self
        fewer.needs.removeLast()
        return fewer.sentence(within: room)
    }
}

extension CredentialMechanism {
    /// What the cluster must have for this mechanism and has not.
    fileprivate func unmetNeeds(_ request: BindingRequest) -> [String] {
        let needs = unmetNeeds(request.facts)
        guard let issuerReader, request.facts.issuer.reach == .private else { return needs }
        return [
            """
            an issuer that \(issuerReader) can reach (this cluster's is private; once it is published, set issuer.public: true)
            """
        ] + needs
    }

    /// What may still go wrong although the mechanism fits.
    fileprivate func reservations(_ request: BindingRequest) -> [Problem] {
        guard let issuerReader else { return [] }
        let issuer = request.facts.issuer
        switch issuer.reach {
        case .public, .private: return []
        case .publicIfEnabled:
            let platform = request.facts.platform.title
            return [
                request.problem(
                    .warning, .issuerUnverified,
                    "\(issuerReader) must reach the cluster's OIDC issuer, which has to be enabled on \(platform)")
            ]
        case .unknown:
            return [
                request.problem(
                    .warning, .issuerUnverified,
                    """
                    \(issuerReader) must reach the cluster's OIDC issuer\(issuer.url.map { " \($0)" } ?? ""), and whether it \
                    can is not known; set issuer.public in the configuration
                    """)
            ]
        }
    }
}

extension Provider {
    /// The keys that choose the mechanism or the containers.
    fileprivate var keysOfChoice: [AnnotationKey] {
        [.mechanism(of: name), .includeContainers, .skipContainers] + [includeKey, skipKey].compactMap(\.self)
    }

    /// The keys by which an identity is asked for that no mechanism of a cell knows.
    fileprivate func foreignKeys(to cell: [Mechanism], _ request: BindingRequest) -> [AnnotationKey] {
        let known = Set(cell.compactMap(mechanism).flatMap(\.decisiveKeys))
        let others = mechanisms.filter { !cell.contains($0.mechanism) }.flatMap(\.decisiveKeys)
        var found: [AnnotationKey] = []
        for key in others where key.asksFor != nil && request.inputs.isGiven(key) && !known.contains(key) {
            if !found.contains(key) { found.append(key) }
        }
        return found
    }

    /// On which platforms a key means something, as the end of a sentence that begins with the key.
    fileprivate func home(of key: AnnotationKey, _ request: BindingRequest) -> String {
        let matrix = Matrix(request.configuration)
        let platforms = Platform.allCases.filter { platform in
            matrix[platform, name].contains { mechanism($0)?.decisiveKeys.contains(key) == true }
        }
        return switch platforms.count {
        case 0: "has no effect: the matrix lists nothing for it"
        case 1...3: "works on \(platforms.map(\.rawValue).joined(separator: ", ")) only"
        default: "has no effect on \(request.facts.platform)"
        }
    }
}

extension BindingRequest {
    /// How many characters the message may have: conditions and kubectl's lines hold several.
    private static let longestMessage = 200

    /// What is wrong where no mechanism fits: what is malformed, and then what is missing.
    fileprivate func problems(
        of shortcomings: [Shortcoming], beside foreign: [AnnotationKey], _ cell: [Mechanism], _ provider: Provider
    ) -> [Problem] {
        let order = shortcomings.enumerated().sorted {
            ($1.element.nearness, $0.offset) < ($0.element.nearness, $1.offset)
        }
        let ranked = order.map(\.element)
        let reported = inputs.problems(with: ranked.first?.malformed ?? [], of: self.provider)
        guard reported.isEmpty else {
            let rest = ranked.prefix(1).filter { !$0.malformed.isEmpty && !$0.needs.isEmpty }
            return reported + (rest.isEmpty ? [] : [hasNoMechanism([], rest)])
        }
        var obstacles = foreign.prefix(1).map { "\($0.name) \(provider.home(of: $0, self))" }
        if let delivery = secretDelivery, forced == nil, !cell.contains(delivery) {
            obstacles.append("\(AnnotationKey.secretDelivery.name) is \(delivery), which the matrix does not list")
        }
        return [hasNoMechanism(obstacles, ranked.filter { !$0.needs.isEmpty })]
    }

    /// - Parameters:
    ///   - obstacles: what keeps a mechanism that was asked for from being a way at all.
    ///   - shortcomings: the nearest one first.
    private func hasNoMechanism(_ obstacles: [String], _ shortcomings: [Shortcoming]) -> Problem {
        let beginning = "\(provider): no usable mechanism on \(facts.platform): "
        var clauses = obstacles
        func room() -> Int { Self.longestMessage - beginning.count - clauses.map { $0.count + 2 }.reduce(0, +) }
        if let nearest = shortcomings.first { clauses.append(nearest.sentence(within: room())) }
        // Another one is as likely to be meant only if as many of its keys are given, and helps only if it is said whole.
        if let other = shortcomings.dropFirst().first, other.nearness == shortcomings.first?.nearness,
            other.sentence.count <= room()
        {
            clauses.append(other.sentence)
        }
        let message = beginning + (clauses.isEmpty ? "the matrix lists none" : clauses.joined(separator: "; "))
        return .error(
            .noMechanism, message,
            field: inputs.requested[provider]?.name ?? (isNamed ? AnnotationKey.providers.name : nil),
            provider: provider, of: subject)
    }

    fileprivate func doesNotServe(_ forced: Mechanism, _ cell: [Mechanism]) -> Problem {
        problem(
            .error, .unknownMechanism, with: .mechanism(of: provider),
            """
            is "\(forced)", which does not serve \(provider) on \(facts.platform); write \
            \(ValueSyntax.oneOf(cell.map(\.rawValue)).expected)
            """)
    }

    fileprivate func reachesNoModel(_ mechanisms: [Mechanism]) -> Problem {
        problem(
            .error, .modelNotReachable,
            """
            \(mechanisms.map(\.rawValue).joined(separator: ", ")) reaches the platform's APIs but no model; add \
            \(AnnotationKey.vaultPath(of: provider).name)
            """,
            field: inputs.requested[provider]?.name)
    }
}
