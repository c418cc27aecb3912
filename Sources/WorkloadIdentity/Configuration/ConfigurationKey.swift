internal import JSON

/// One setting: its name, how it is read, and how it is shown.
public struct ConfigurationKey: Sendable {
    /// The name with dots: `aws.tokenExpirationSeconds`.
    public let name: String
    let read: @Sendable (JSONValue, inout Configuration) throws(ConfigurationError) -> Void
    let show: @Sendable (Configuration) -> JSONValue

    /// The environment variable of the same meaning: `LANYARD_AWS_TOKEN_EXPIRATION_SECONDS`.
    public var environmentVariable: String {
        var variable = "LANYARD_"
        var previous: Character = "."
        for character in name {
            if character.isUppercase, previous.isLowercase { variable += "_" }
            variable += character == "." ? "_" : character.uppercased()
            previous = character
        }
        return variable
    }
}

extension ConfigurationKey {
    public static let all: [ConfigurationKey] = [
        automatic("platform", \.platform, Platform.allCases),
        ConfigurationKey(
            name: "issuer.url",
            read: { value, configuration throws(ConfigurationError) in
                let url = try string(value, "issuer.url")
                guard url == "auto" || url.hasPrefix("https://") else {
                    throw ConfigurationError(
                        key: "issuer.url",
                        message:
                            """
                            "\(url)" is not an https URL; write "auto" or the issuer's URL as it stands in a \
                            token's "iss"
                            """
                    )
                }
                configuration.issuer.url = url == "auto" ? nil : url
            },
            show: { .string($0.issuer.url ?? "auto") }),
        ConfigurationKey(
            name: "issuer.public",
            read: { value, configuration throws(ConfigurationError) in
                switch value {
                case .bool(let isPublic): configuration.issuer.isPublic = isPublic
                case "true", "false": configuration.issuer.isPublic = value == "true"
                case "auto": configuration.issuer.isPublic = nil
                default:
                    throw ConfigurationError(key: "issuer.public", message: "write \"auto\", true or false")
                }
            },
            show: { $0.issuer.isPublic.map { .bool($0) } ?? "auto" }),
        list("namespaces.exclude", \.namespaces.exclude, .namespace),
        optional("aws.region", \.aws.region, .awsRegion),
        string("aws.audience", \.aws.audience, .audience),
        seconds("aws.tokenExpirationSeconds", \.aws.tokenExpirationSeconds),
        boolean("aws.stsRegionalEndpoints", \.aws.stsRegionalEndpoints),
        string("aws.tokenMountPath", \.aws.tokenMountPath, .absolutePath),
        subjects("aws.podIdentity.identities", \.aws.podIdentity.identities),
        string("aws.podIdentity.credentialsUri", \.aws.podIdentity.credentialsURI, .httpURL),
        string("aws.podIdentity.audience", \.aws.podIdentity.audience, .audience),
        string("aws.podIdentity.tokenMountPath", \.aws.podIdentity.tokenMountPath, .absolutePath),
        string("aws.podIdentity.volumeName", \.aws.podIdentity.volumeName, .volumeName),
        string("aws.podIdentity.tokenPath", \.aws.podIdentity.tokenPath, .vaultField),
        optional("azure.tenantId", \.azure.tenantID, .uuid),
        string("azure.authorityHost", \.azure.authorityHost, .httpsURL),
        seconds("azure.tokenExpirationSeconds", \.azure.tokenExpirationSeconds),
        optional("gcp.project", \.gcp.project, .googleProject),
        optional("gcp.location", \.gcp.location, .googleLocation),
        optional("gcp.audience", \.gcp.audience, .audience),
        seconds("gcp.tokenExpirationSeconds", \.gcp.tokenExpirationSeconds),
        string("openai.audience", \.openai.audience, .audience),
        seconds("openai.tokenExpirationSeconds", \.openai.tokenExpirationSeconds),
        string("anthropic.audience", \.anthropic.audience, .audience),
        seconds("anthropic.tokenExpirationSeconds", \.anthropic.tokenExpirationSeconds),
        optional("alibaba.oidcProviderArn", \.alibaba.oidcProviderARN, .alibabaOIDCProviderARN),
        optional("alibaba.region", \.alibaba.region, .alibabaRegion),
        ConfigurationKey(
            name: "vault.injector",
            read: { value, configuration throws(ConfigurationError) in
                configuration.vault.injector = try choice(value, "vault.injector")
            },
            show: { .string($0.vault.injector.rawValue) }),
        optional("vault.address", \.vault.address, .httpURL),
        string("vault.authPath", \.vault.authPath, .vaultPath),
        optional("vault.namespace", \.vault.namespace, .vaultPath),
        optional("vault.role", \.vault.role, .vaultRole),
        optional("vault.audience", \.vault.audience, .audience),
        optional("vault.caSecret", \.vault.caSecret, .objectName),
        list("vault.allowedPaths", \.vault.allowedPaths, PathPattern.syntax),
        optional("externalSecrets.store", \.externalSecrets.store, .objectName),
        ConfigurationKey(
            name: "externalSecrets.storeKind",
            read: { value, configuration throws(ConfigurationError) in
                configuration.externalSecrets.storeKind = try choice(value, "externalSecrets.storeKind")
            },
            show: { .string($0.externalSecrets.storeKind.rawValue) }),
        string("externalSecrets.refreshInterval", \.externalSecrets.refreshInterval, .duration),
        list("externalSecrets.podAnnotations", \.externalSecrets.podAnnotations, .namespace),
        boolean("healing.enabled", \.healing.isEnabled),
        boolean("healing.allowDowntime", \.healing.allowsDowntime),
        number("healing.concurrency", \.healing.concurrency, 1...100),
        number("healing.intervalSeconds", \.healing.intervalSeconds, 0...86_400),
        number("healing.stopPercent", \.healing.stopPercent, 1...100),
        boolean("injection.policy", \.injection.keepsPlanSets),
        ConfigurationKey(name: "verify.endpoints", read: readEndpoints, show: showEndpoints),
        subjects("verify.scheduled", \.verify.scheduled),
        number("verify.intervalSeconds", \.verify.intervalSeconds, 10...86_400),
        optional("verify.image", \.verify.image, .imageReference),
        optional("verify.imagePullSecret", \.verify.imagePullSecret, .objectName),
        ConfigurationKey(name: "providers", read: readProviders, show: showProviders),
        ConfigurationKey(name: "matrix", read: readMatrix, show: showMatrix),
    ]

    // MARK: Kinds of settings

    private typealias Path<Value> = any WritableKeyPath<Configuration, Value> & Sendable

    private static func string(_ name: String, _ path: Path<String>, _ syntax: ValueSyntax) -> ConfigurationKey {
        ConfigurationKey(
            name: name,
            read: { value, configuration throws(ConfigurationError) in
                configuration[keyPath: path] = try text(value, name, syntax)
            },
            show: { .string($0[keyPath: path]) })
    }

    /// A string for which the empty one means that there is none.
    private static func optional(_ name: String, _ path: Path<String?>, _ syntax: ValueSyntax) -> ConfigurationKey {
        ConfigurationKey(
            name: name,
            read: { value, configuration throws(ConfigurationError) in
                configuration[keyPath: path] = value == "" ? nil : try text(value, name, syntax)
            },
            show: { .string($0[keyPath: path] ?? "") })
    }

    private static func automatic<Value: RawRepresentable<String>>(
        _ name: String, _ path: Path<Value?>, _ values: [Value]
    ) -> ConfigurationKey where Value: CaseIterable & Sendable {
        ConfigurationKey(
            name: name,
            read: { value, configuration throws(ConfigurationError) in
                configuration[keyPath: path] = value == "auto" ? nil : try choice(value, name, or: "auto")
            },
            show: { .string($0[keyPath: path]?.rawValue ?? "auto") })
    }

    private static func seconds(_ name: String, _ path: Path<Int>) -> ConfigurationKey {
        ConfigurationKey(
            name: name,
            read: { value, configuration throws(ConfigurationError) in
                guard let seconds = value.integer ?? value.string.flatMap(Int.init), seconds >= 600 else {
                    throw ConfigurationError(
                        key: name,
                        message: "write a whole number of seconds, 600 or more: Kubernetes issues no token for less")
                }
                configuration[keyPath: path] = seconds
            },
            show: { .number(JSONNumber($0[keyPath: path])) })
    }

    private static func number(_ name: String, _ path: Path<Int>, _ range: ClosedRange<Int>) -> ConfigurationKey {
        ConfigurationKey(
            name: name,
            read: { value, configuration throws(ConfigurationError) in
                guard let number = value.integer ?? value.string.flatMap(Int.init), range.contains(number) else {
                    throw ConfigurationError(
                        key: name, message: "write a whole number from \(range.lowerBound) to \(range.upperBound)")
                }
                configuration[keyPath: path] = number
            },
            show: { .number(JSONNumber($0[keyPath: path])) })
    }

    private static func boolean(_ name: String, _ path: Path<Bool>) -> ConfigurationKey {
        ConfigurationKey(
            name: name,
            read: { value, configuration throws(ConfigurationError) in
                switch value {
                case .bool(let flag): configuration[keyPath: path] = flag
                case "true", "false": configuration[keyPath: path] = value == "true"
                default: throw ConfigurationError(key: name, message: "write true or false")
                }
            },
            show: { .bool($0[keyPath: path]) })
    }

    /// A list; an environment variable holds it with commas.
    private static func list(_ name: String, _ path: Path<[String]>, _ syntax: ValueSyntax) -> ConfigurationKey {
        ConfigurationKey(
            name: name,
            read: { value, configuration throws(ConfigurationError) in
                let listed: [JSONValue]? = value.string.map { ValueSyntax.names(in: $0).map { .string($0) } }
                var names: [String] = []
                for element in listed ?? value.array ?? [.null] {
                    guard element.string != nil else {
                        throw ConfigurationError(key: name, message: "write a list of names")
                    }
                    names.append(try text(element, name, syntax))
                }
                configuration[keyPath: path] = names
            },
            show: { .array($0[keyPath: path].map { .string($0) }) })
    }

    /// A list of ServiceAccounts, each with its namespace.
    private static func subjects(_ name: String, _ path: Path<Set<Subject>>) -> ConfigurationKey {
        ConfigurationKey(
            name: name,
            read: { value, configuration throws(ConfigurationError) in
                configuration[keyPath: path] = try subjects(value, name)
            },
            show: { configuration in
                .array(
                    configuration[keyPath: path].sorted { $0.claim < $1.claim }.map {
                        ["namespace": .string($0.namespace), "serviceAccount": .string($0.serviceAccount)]
                    })
            })
    }

    // MARK: Values

    private static func string(_ value: JSONValue, _ name: String) throws(ConfigurationError) -> String {
        guard let text = value.string else {
            throw ConfigurationError(key: name, message: "expected a string, found \(value.kind)")
        }
        return text
    }

    static func text(
        _ value: JSONValue, _ name: String, _ syntax: ValueSyntax
    ) throws(ConfigurationError) -> String {
        let text = try string(value, name)
        guard syntax.accepts(text) else {
            throw ConfigurationError(key: name, message: "\"\(text)\" cannot be used; write \(syntax.expected)")
        }
        return text
    }

    static func choice<Value: RawRepresentable<String> & CaseIterable>(
        _ value: JSONValue, _ name: String, or another: String? = nil
    ) throws(ConfigurationError) -> Value {
        let text = try string(value, name)
        guard let choice = Value(rawValue: text) else {
            let choices = (another.map { [$0] } ?? []) + Value.allCases.map(\.rawValue)
            throw ConfigurationError(
                key: name, message: "\"\(text)\" is not known; write \(ValueSyntax.oneOf(choices).expected)")
        }
        return choice
    }
}

extension ValueSyntax {
    fileprivate static let absolutePath = ValueSyntax("an absolute path without \":\"") { value in
        value.hasPrefix("/") && value.utf8.count > 1 && !value.hasSuffix("/") && !value.contains(":")
    }
    fileprivate static let volumeName = ValueSyntax("a volume's name: lower-case letters, digits and \"-\"") { value in
        (1...63).contains(value.utf8.count) && value.utf8.allSatisfy(\.isLowercaseNameByte)
    }
    fileprivate static let httpsURL = ValueSyntax("a URL that begins with \"https://\"") {
        $0.hasPrefix("https://") && $0.utf8.count > "https://".utf8.count && !$0.contains(where: \.isWhitespace)
    }
    fileprivate static let httpURL = ValueSyntax("a URL that begins with \"https://\" or \"http://\"") {
        httpsURL.accepts($0) || $0.hasPrefix("http://") && !$0.contains(where: \.isWhitespace)
    }
    /// RFC 6454, section 6.2, without a port that is the scheme's own.
    static let origin = ValueSyntax(
        "a URL without a path, such as \"https://HOST\" or \"http://HOST:PORT\""
    ) { value in
        ["https://", "http://"].contains { scheme in
            value.hasPrefix(scheme) && value.utf8.count > scheme.utf8.count
                && value.dropFirst(scheme.count).utf8.allSatisfy { $0.isWordByte || ".-:[]".utf8.contains($0) }
        }
    }
    static let variableName = ValueSyntax("an environment variable's name") { value in
        value.utf8.first.map { !$0.isDigit } == true && value.utf8.allSatisfy(\.isWordByte)
    }
    /// As Go writes them: one number and one unit.
    fileprivate static let duration = ValueSyntax("a duration, such as \"15m\" or \"1h\"") { value in
        guard let unit = value.last, "smh".contains(unit), let number = UInt32(value.dropLast()) else { return false }
        return number > 0
    }
    fileprivate static let imageReference = ValueSyntax("an image's name, such as REGISTRY/NAME:TAG") { value in
        (1...1024).contains(value.utf8.count) && value.utf8.allSatisfy { $0.isWordByte || ".-/:@".utf8.contains($0) }
    }
    fileprivate static let namespace = ValueSyntax("a namespace's name") { DNSName.isLabel($0) }
    fileprivate static let objectName = ValueSyntax("a Kubernetes object's name") { value in
        (1...253).contains(value.utf8.count)
            && value.utf8.allSatisfy { $0.isLowercaseNameByte || $0 == UInt8(ascii: ".") }
    }
}
