public import JSON

extension ClusterConfiguration {
    /// What a context of a kubeconfig says.
    ///
    /// - Parameters:
    ///   - kubeconfig: the file's contents. Who reads YAML is not the business of this module.
    ///   - path: where the file is. Paths in it are relative to its folder, and errors name it.
    ///   - context: the context's name; `nil`: the file's `current-context`.
    /// - Throws: a ``ConfigurationError``.
    public init(kubeconfig: JSONValue, path: String, context: String? = nil) throws {
        try self.init(kubeconfigs: [(kubeconfig, path)], context: context)
    }

    /// The same of several files, as `KUBECONFIG` names them.
    public init(kubeconfigs: [(contents: JSONValue, path: String)], context: String? = nil) throws {
        let files = KubeconfigFiles(kubeconfigs.map { KubeconfigField(value: $0.contents, file: $0.path) })
        let contextName = try context ?? files.currentContext()
        let context = try files.named(contextName, in: "contexts", holding: "context")

        guard let clusterName = try context.string("cluster") else {
            throw context["cluster"].error("is missing; write the name of one of clusters")
        }
        let cluster = try files.named(clusterName, in: "clusters", holding: "cluster", for: context["cluster"])
        try self.init(cluster: cluster)

        if let userName = try context.string("user") {
            let user = try files.named(userName, in: "users", holding: "user", for: context["user"])
            credentials = try Credentials(user: user, of: contextName)
        }
        namespace = try context.string("namespace")
    }

    private init(cluster: KubeconfigField) throws {
        guard let server = try cluster.string("server") else {
            throw cluster["server"].error("is missing; write the API server's address, such as https://127.0.0.1:6443")
        }
        guard server.hasPrefix("https://") || server.hasPrefix("http://") else {
            throw cluster["server"].error("\"\(server)\" does not begin with https:// or http://")
        }
        if try cluster.string("proxy-url") != nil {
            throw cluster["proxy-url"].error("is not supported; remove it and reach the server directly")
        }
        self.init(
            server: server.hasSuffix("/") ? String(server.dropLast()) : server,
            certificateAuthority: try cluster.certificates("certificate-authority"),
            tlsServerName: try cluster.string("tls-server-name"))
        skipsTLSVerification = try cluster.bool("insecure-skip-tls-verify") ?? false
        if skipsTLSVerification && certificateAuthority != nil {
            throw cluster["insecure-skip-tls-verify"].error("cannot be true where there is a certificate-authority")
        }
    }
}

extension Credentials {
    fileprivate init(user: KubeconfigField, of context: String) throws {
        self.init()
        try Self.refuseUnsupported(in: user, of: context)
        if let path = try user.path("tokenFile") {
            token = .file(path)
        } else if let text = try user.string("token") {
            token = .fixed(text)
        }
        clientCertificate = try Self.clientCertificate(of: user)
        if user["exec"].value != nil {
            plugin = try CredentialPlugin(exec: user["exec"])
        }
    }

    /// A field that is passed over in silence would let the program in as somebody else, or not at all.
    private static func refuseUnsupported(in user: KubeconfigField, of context: String) throws {
        let unsupported = [
            "auth-provider": "write exec with the provider's credential plug-in",
            "username": "write a token or a client certificate",
            "password": "write a token or a client certificate",
            "as": "remove it and use the credentials of that user",
            "as-uid": "remove it and use the credentials of that user",
            "as-groups": "remove it and use the credentials of a user in these groups",
            "as-user-extra": "remove it and use the credentials of that user",
        ]
        for (key, remedy) in unsupported.sorted(by: { $0.key < $1.key }) where user[key].value != nil {
            throw user[key].error("is not supported (context \"\(context)\"); \(remedy)")
        }
    }

    private static func clientCertificate(of user: KubeconfigField) throws -> ClientCertificate? {
        switch (try user.certificates("client-certificate"), try user.data("client-key")) {
        case (let chain?, let key?): ClientCertificate(certificateChain: chain, privateKey: key)
        case (nil, nil): nil
        case (_?, nil): throw user["client-key"].error("is missing, since there is a client-certificate")
        case (nil, _?): throw user["client-certificate"].error("is missing, since there is a client-key")
        }
    }
}

extension CredentialPlugin {
    fileprivate init(exec: KubeconfigField) throws {
        guard let command = try exec.string("command") else {
            throw exec["command"].error("is missing; write the credential plug-in's name or path")
        }
        let apiVersion = try exec.string("apiVersion") ?? ""
        guard CredentialPlugin.apiVersions.contains(apiVersion) else {
            let known = CredentialPlugin.apiVersions.joined(separator: " or ")
            throw exec["apiVersion"].error("\"\(apiVersion)\" is not supported; write \(known)")
        }
        if try exec.string("interactiveMode") == "Always" {
            throw exec["interactiveMode"].error("Always needs a terminal; write IfAvailable or Never")
        }
        self.init(apiVersion: apiVersion, command: command.contains("/") ? exec.resolve(command) : command)
        arguments = try exec.elements("args").map { argument in
            guard let text = argument.value?.string else { throw argument.error("expected a string") }
            return text
        }
        for variable in try exec.elements("env") {
            guard let name = try variable.string("name") else { throw variable["name"].error("is missing") }
            environment[name] = try variable.string("value") ?? ""
        }
        providesClusterInformation = try exec.bool("provideClusterInfo") ?? false
        installHint = try exec.string("installHint") ?? ""
    }
}
