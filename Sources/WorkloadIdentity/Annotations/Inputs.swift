/// What the annotations of a ServiceAccount and a pod say: values that are valid, and problems with all others.
struct Inputs {
    private var values: [String: Input] = [:]
    private var invalidKeys: Set<String> = []
    /// Both as the ServiceAccount alone would have them.
    private var ofServiceAccount: (values: [String: Input], invalidKeys: Set<String>) = ([:], [])
    private(set) var problems: [Problem] = []
    /// The providers that some key asks for, a malformed one included, and the first such key.
    private(set) var requested: [ProviderName: AnnotationKey] = [:]
    private let subject: Subject
    /// How many more unknown names are compared with the known ones, which is slow. An object may have thousands.
    private var comparisonsLeft = 100

    private struct Input {
        var value: String
        var place: AnnotationKey.Place
    }

    init(subject: Subject, serviceAccount: [String: String], pod: [String: String], keys: [AnnotationKey]) {
        self.subject = subject
        let known = Dictionary(keys.map { ($0.name, $0) }) { first, _ in first }
        // The pod comes second: where a key stands on both, its value replaces the ServiceAccount's.
        for (place, annotations) in [(AnnotationKey.Place.serviceAccount, serviceAccount), (.pod, pod)] {
            if place == .pod { ofServiceAccount = (values, invalidKeys) }
            for (name, value) in annotations.sorted(by: { $0.key < $1.key }) {
                if let key = known[name] {
                    read(value, of: key, at: place)
                } else if let problem = unknown(name, at: place, among: keys) {
                    problems.append(problem)
                }
            }
        }
    }

    /// The value of a key, if there is a valid one.
    subscript(key: AnnotationKey) -> String? { values[key.name]?.value }

    func isTrue(_ key: AnnotationKey) -> Bool? {
        self[key].map(ValueSyntax.isTrue)
    }

    func names(_ key: AnnotationKey) -> [String] {
        self[key].map(ValueSyntax.names(in:)) ?? []
    }

    /// Whether a key has a value that cannot be used. One that says which identity is meant must not be ignored.
    func isInvalid(_ key: AnnotationKey) -> Bool { invalidKeys.contains(key.name) }

    /// The keys among some that have no value, as elements of "it needs …". A malformed one has a problem of its own.
    func lacking(_ keys: AnnotationKey...) -> [String] {
        keys.filter { self[$0] == nil && !isInvalid($0) }.map(\.name)
    }

    /// The same for a key in whose place a setting of the configuration will do.
    func lacking(_ key: AnnotationKey, or setting: String) -> [String] {
        lacking(key).map { "\($0) (or set \(setting))" }
    }

    /// Whether something is written for a key, be it malformed.
    func isGiven(_ key: AnnotationKey) -> Bool { self[key] != nil || isInvalid(key) }

    // MARK: Problems

    /// A problem with what a key says, on the object where it stands.
    ///
    /// - Parameter message: the rest of a sentence that begins with the key.
    func problem(
        _ severity: Problem.Severity, _ reason: Problem.Reason, with key: AnnotationKey, _ message: String,
        provider: ProviderName? = nil
    ) -> Problem {
        let place = values[key.name]?.place ?? (key.places.contains(.serviceAccount) ? .serviceAccount : .pod)
        return problem(severity, reason, at: place, key.name, message, provider: provider ?? key.asksFor)
    }

    /// What has been said of malformed keys.
    func problems(with keys: [AnnotationKey], of provider: ProviderName) -> [Problem] {
        let names = Set(keys.filter(isInvalid).map(\.name))
        return problems.filter { problem in
            problem.reason == .invalidValue && problem.severity == .error && problem.field.map(names.contains) == true
        }.map { problem in
            var problem = problem
            problem.provider = provider
            return problem
        }
    }

    /// The object on which a key's value stands, as the subject of a clause.
    func owner(of key: AnnotationKey) -> String {
        values[key.name]?.place == .pod ? "the pod" : "\(subject)"
    }

    private func problem(
        _ severity: Problem.Severity, _ reason: Problem.Reason, at place: AnnotationKey.Place, _ name: String,
        _ message: String, provider: ProviderName? = nil
    ) -> Problem {
        Problem(
            severity, reason, "\(place == .pod ? "the pod: " : "")\(name.shortened) \(message)", field: name,
            provider: provider, of: place == .serviceAccount ? subject : nil)
    }

    // MARK: The ServiceAccount alone

    /// The keys whose values are the pod's, and not the ServiceAccount's too.
    func keysOfPodAlone(among keys: [AnnotationKey]) -> [AnnotationKey] {
        keys.filter { key in
            values[key.name].map { $0.place == .pod && $0.value != ofServiceAccount.values[key.name]?.value } ?? false
        }
    }

    /// Takes keys as if the pod had none of them.
    mutating func takeServiceAccountAlone(for keys: [AnnotationKey]) {
        for key in keys {
            values[key.name] = ofServiceAccount.values[key.name]
            if ofServiceAccount.invalidKeys.contains(key.name) {
                invalidKeys.insert(key.name)
            } else {
                invalidKeys.remove(key.name)
            }
        }
    }

    // MARK: Audiences

    /// Denies what an audience key says, if a token of that audience is good for the API server itself.
    mutating func denyAudiences(of facts: PlatformFacts, in keys: [AnnotationKey]) {
        for key in keys where key.isAudience {
            guard let input = values[key.name], facts.isAudienceOfAPIServer(input.value) else { continue }
            values[key.name] = nil
            invalidKeys.insert(key.name)
            problems.append(
                problem(
                    .error, .invalidValue, at: input.place, key.name,
                    """
                    is "\(input.value.shortened)", an audience of the API server itself: whoever receives such a token can \
                    act on the API server as \(subject); write the provider's, or remove the key
                    """,
                    provider: key.asksFor))
        }
    }

    // MARK: Reading

    private mutating func read(_ value: String, of key: AnnotationKey, at place: AnnotationKey.Place) {
        if key.isWrittenByLanyard { return }
        guard key.places.contains(place) else {
            problems.append(misplaced(key, at: place))
            return
        }
        let value = value.trimmingWhitespace
        guard !value.isEmpty else {
            problems.append(
                problem(
                    .warning, .invalidValue, at: place, key.name,
                    "is empty and is treated as absent; write \(key.syntax.expected)", provider: key.asksFor))
            return
        }
        if let provider = key.asksFor, requested[provider] == nil { requested[provider] = key }
        guard key.syntax.accepts(value) else {
            invalidKeys.insert(key.name)
            values[key.name] = nil
            problems.append(
                problem(
                    .error, .invalidValue, at: place, key.name, key.syntax.refusal(of: value), provider: key.asksFor))
            return
        }
        invalidKeys.remove(key.name)
        values[key.name] = Input(value: value, place: place)
    }

    private func misplaced(_ key: AnnotationKey, at place: AnnotationKey.Place) -> Problem {
        let right =
            place == .pod ? "\(subject)" : "the pod (in a workload: spec.template.metadata.annotations)"
        return problem(
            .warning, .misplacedKey, at: place, key.name, "has no effect here; put it on \(right)",
            provider: key.asksFor)
    }

    /// A problem if a name that nobody knows was likely meant for Lanyard.
    private mutating func unknown(
        _ name: String, at place: AnnotationKey.Place, among keys: [AnnotationKey]
    ) -> Problem? {
        if name == AdmissionPolicy.key {
            return problem(
                .warning, .misplacedKey, at: place, name,
                "has no effect here; make it a label of the Namespace, or put it on the workload's own metadata")
        }
        if name == HealingRequest.key {
            return problem(
                .warning, .misplacedKey, at: place, name,
                """
                has no effect here; make it a label of the Namespace, or an annotation of the workload's own metadata
                """)
        }
        let isOwn = name.hasPrefix(AnnotationKey.lanyardPrefix)
        // Domains are compared, too.
        guard comparisonsLeft > 0 else { return nil }
        comparisonsLeft -= 1
        guard isOwn || AnnotationKey.isNearDomain(of: name) else { return nil }
        let meant = AnnotationKey.meant(by: name, among: keys)
        guard isOwn || meant != nil else { return nil }
        let advice = meant.map { "did you mean \($0)?" } ?? "remove it, or see the list in docs/annotations.md"
        return problem(.warning, .unknownKey, at: place, name, "is not a key that Lanyard knows; \(advice)")
    }
}
