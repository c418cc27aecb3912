import JSON
import KubernetesClient
import KubernetesModel
import Testing

@Suite("Kubeconfig")
struct KubeconfigTests {
    static let certificate = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"

    /// A kubeconfig with one context, cluster and user, all named `dev`.
    static func kubeconfig(
        cluster: JSONValue = ["server": "https://10.0.0.1:6443/"], user: JSONValue = ["token": "t"]
    ) -> JSONValue {
        [
            "apiVersion": "v1", "kind": "Config", "current-context": "dev",
            "contexts": [["name": "dev", "context": ["cluster": "dev", "user": "dev", "namespace": "shop"]]],
            "clusters": [["name": "dev", "cluster": cluster]],
            "users": [["name": "dev", "user": user]],
        ]
    }

    static func read(_ kubeconfig: JSONValue, context: String? = nil) throws -> ClusterConfiguration {
        try ClusterConfiguration(kubeconfig: kubeconfig, path: "/home/me/.kube/config", context: context)
    }

    @Test("gives server, authority, credentials and namespace of the current context")
    func reads() throws {
        let configuration = try Self.read(
            Self.kubeconfig(cluster: [
                "server": "https://10.0.0.1:6443/", "tls-server-name": "kubernetes",
                "certificate-authority-data": .string(Base64.encode(Self.certificate.utf8)),
            ]))
        #expect(configuration.server == "https://10.0.0.1:6443")
        #expect(configuration.certificateAuthority == Array(Self.certificate.utf8))
        #expect(configuration.tlsServerName == "kubernetes")
        #expect(configuration.namespace == "shop")
        #expect(configuration.credentials == Credentials(token: .fixed("t")))
        #expect(!configuration.skipsTLSVerification)
    }

    @Test("finds token files and credential plug-ins beside itself")
    func relativePaths() throws {
        let token = try Self.read(Self.kubeconfig(user: ["tokenFile": "tokens/dev"]))
        #expect(token.credentials.token == .file("/home/me/.kube/tokens/dev"))
        let plugin = try Self.read(
            Self.kubeconfig(user: [
                "exec": [
                    "apiVersion": "client.authentication.k8s.io/v1", "command": "./login",
                    "args": ["--cluster", "dev"], "env": [["name": "PROFILE", "value": "dev"]],
                    "provideClusterInfo": true, "interactiveMode": "IfAvailable",
                ]
            ])
        ).credentials.plugin
        #expect(plugin?.command == "/home/me/.kube/./login")
        #expect(plugin?.arguments == ["--cluster", "dev"])
        #expect(plugin?.environment == ["PROFILE": "dev"])
        #expect(plugin?.providesClusterInformation == true)
        let named = try Self.read(
            Self.kubeconfig(user: ["exec": ["apiVersion": "client.authentication.k8s.io/v1beta1", "command": "aws"]]))
        #expect(named.credentials.plugin?.command == "aws")
    }

    @Test("takes a client certificate with its key")
    func clientCertificate() throws {
        let configuration = try Self.read(
            Self.kubeconfig(user: [
                "client-certificate-data": .string(Base64.encode(Self.certificate.utf8)),
                "client-key-data": .string(Base64.encode("KEY".utf8)),
            ]))
        let expected = ClientCertificate(
            certificateChain: Array(Self.certificate.utf8), privateKey: Array("KEY".utf8))
        #expect(configuration.credentials.clientCertificate == expected)
    }

    @Test("never shows a token or a key")
    func secrecy() throws {
        let configuration = try Self.read(
            Self.kubeconfig(user: [
                "token": "TOP-SECRET", "client-certificate-data": .string(Base64.encode(Self.certificate.utf8)),
                "client-key-data": .string(Base64.encode("TOP-SECRET".utf8)),
            ]))
        #expect(!"\(configuration)".contains("TOP-SECRET"))
        #expect(!String(reflecting: configuration).contains("TOP-SECRET"))
        #expect(!String(reflecting: configuration).contains("84, 79, 80"))
    }

    @Test("lets nobody in without being told who it is")
    func noUser() throws {
        var kubeconfig = Self.kubeconfig()
        kubeconfig["contexts"] = [["name": "dev", "context": ["cluster": "dev"]]]
        #expect(try Self.read(kubeconfig).credentials == Credentials())
    }

    static let faults: [(JSONValue, String)] = [
        ([:], "current-context: is missing; write the name of one of contexts, or choose one"),
        (["current-context": "dev"], #"contexts: "dev" is not in contexts, which is empty"#),
        (["current-context": 7], "current-context: expected a string, found a number"),
        (
            ["current-context": "x", "contexts": [["name": "a", "context": [:]], ["name": "b", "context": [:]]]],
            #"contexts: "x" is not in contexts, which has "a", "b""#
        ),
        (
            ["current-context": "a", "contexts": [["name": "a", "context": [:]]]],
            #"contexts["a"].context.cluster: is missing; write the name of one of clusters"#
        ),
        (
            ["current-context": "a", "contexts": [["name": "a", "context": ["cluster": "c"]]], "clusters": []],
            #"contexts["a"].context.cluster: "c" is not in clusters, which is empty"#
        ),
        (["current-context": "a", "contexts": "a"], "contexts: expected a list, found a string"),
        (
            kubeconfig(cluster: [:]),
            #"clusters["dev"].cluster.server: is missing; "#
                + "write the API server's address, such as https://127.0.0.1:6443"
        ),
        (
            kubeconfig(cluster: ["server": "10.0.0.1:6443"]),
            #"clusters["dev"].cluster.server: "10.0.0.1:6443" does not begin with https:// or http://"#
        ),
        (
            kubeconfig(cluster: ["server": "https://h", "certificate-authority-data": "*"]),
            #"clusters["dev"].cluster.certificate-authority-data: is not Base64"#
        ),
        (
            kubeconfig(cluster: ["server": "https://h", "certificate-authority-data": "Zm9v"]),
            #"clusters["dev"].cluster.certificate-authority: holds no certificate in PEM"#
        ),
        (
            kubeconfig(cluster: ["server": "https://h", "certificate-authority": "nowhere.pem"]),
            #"clusters["dev"].cluster.certificate-authority: "#
                + "/home/me/.kube/nowhere.pem: No such file or directory"
        ),
        (
            kubeconfig(cluster: ["server": "https://h", "insecure-skip-tls-verify": "yes"]),
            #"clusters["dev"].cluster.insecure-skip-tls-verify: expected true or false, found a string"#
        ),
        (
            kubeconfig(cluster: ["server": "https://h", "proxy-url": "http://p"]),
            #"clusters["dev"].cluster.proxy-url: is not supported; remove it and reach the server directly"#
        ),
        (
            kubeconfig(user: ["auth-provider": ["name": "gcp"]]),
            #"users["dev"].user.auth-provider: is not supported (context "dev"); "#
                + "write exec with the provider's credential plug-in"
        ),
        (
            kubeconfig(user: ["username": "me", "password": "p"]),
            #"users["dev"].user.password: is not supported (context "dev"); write a token or a client certificate"#
        ),
        (
            kubeconfig(user: ["client-key-data": "Zm9v"]),
            #"users["dev"].user.client-certificate: is missing, since there is a client-key"#
        ),
        (
            kubeconfig(user: ["exec": ["command": "aws", "apiVersion": "client.authentication.k8s.io/v1alpha1"]]),
            #"users["dev"].user.exec.apiVersion: "client.authentication.k8s.io/v1alpha1" is not supported; "#
                + "write client.authentication.k8s.io/v1 or client.authentication.k8s.io/v1beta1"
        ),
        (
            kubeconfig(user: ["exec": ["apiVersion": "client.authentication.k8s.io/v1"]]),
            #"users["dev"].user.exec.command: is missing; write the credential plug-in's name or path"#
        ),
        (
            kubeconfig(user: [
                "exec": ["apiVersion": "client.authentication.k8s.io/v1", "command": "a", "args": ["x", 7]]
            ]),
            #"users["dev"].user.exec.args[1]: expected a string"#
        ),
    ]

    @Test("says which field is wrong, how, and what to write", arguments: faults)
    func says(kubeconfig: JSONValue, message: String) {
        let error = #expect(throws: ConfigurationError.self) { try Self.read(kubeconfig) }
        #expect(error?.description == "/home/me/.kube/config: \(message)")
    }

    @Test("names the context that was asked for and is not there")
    func unknownContext() {
        let error = #expect(throws: ConfigurationError.self) { try Self.read(Self.kubeconfig(), context: "prod") }
        #expect(error?.message == #""prod" is not in contexts, which has "dev""#)
    }

    @Test("of several files, the first that has a context, a cluster or a user counts")
    func merges() throws {
        let first: JSONValue = [
            "current-context": "dev",
            "clusters": [["name": "dev", "cluster": ["server": "https://first", "tls-server-name": "kubernetes"]]],
        ]
        let second = Self.kubeconfig(cluster: ["server": "https://second"], user: ["tokenFile": "token"])
        let configuration = try ClusterConfiguration(kubeconfigs: [
            (first, "/a/config"), (.null, "/n"), (second, "/b/config"),
        ])
        #expect(configuration.server == "https://first")
        #expect(configuration.tlsServerName == "kubernetes")
        #expect(configuration.credentials.token == .file("/b/token"))
        #expect(configuration.namespace == "shop")
    }

    @Test(
        "what is in none of several files is told of all",
        arguments: [
            ("gone", #"/a:/b: contexts: "gone" is not in contexts, which has "dev", "dev""#),
            (nil, "/a:/b: current-context: is missing; write the name of one of contexts, or choose one"),
        ] as [(String?, String)])
    func namesAllFiles(context: String?, message: String) {
        var file = Self.kubeconfig()
        file["current-context"] = nil
        let error = #expect(throws: ConfigurationError.self) {
            try ClusterConfiguration(kubeconfigs: [(file, "/a"), (file, "/b")], context: context)
        }
        #expect(error?.description == message)
    }
}
