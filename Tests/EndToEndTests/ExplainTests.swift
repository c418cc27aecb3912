import Foundation
import JSON
import Testing

/// The scripts of `lanyard explain` in a real shell, with the clouds' commands replaced by functions that write down how
/// they are called. No cluster is needed.
@Suite(.timeLimit(.minutes(5))) struct ExplainTests {
    private func lanyard(_ arguments: [String], input: String = "") async throws -> CommandResult {
        try await Command.run(CommandLineTests.lanyard, arguments, input: input)
    }

    /// Runs a script with every command stubbed, and returns how they were called, in order.
    private func calls(of script: String) async throws -> [[String]] {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appendingPathComponent("script.sh").path
        try script.write(toFile: file, atomically: true, encoding: .utf8)

        let syntax = try await Command.run("/bin/bash", ["-n", file])
        try #require(syntax.exitCode == 0 && syntax.errors.isEmpty, "\(syntax.errors)")

        let log = folder.appendingPathComponent("calls").path
        let result = try await Command.run(
            "/bin/bash", ["-c", Self.stubs, "explain", file, folder.path], environment: ["CALLS": log])
        #expect(result.exitCode == 0 && result.errors.isEmpty, "\(result.errors)")
        let calls = try String(contentsOfFile: log, encoding: .utf8)
        return calls.split(separator: "\u{1E}").map {
            $0.split(separator: "\u{1F}", omittingEmptySubsequences: false).map(String.init)
        }
    }

    /// Each stub writes its words, and prints what the script would go on with.
    private static let stubs = #"""
        record() { local IFS=$'\037'; printf '%s\036' "$*" >> "$CALLS"; }
        drain() { if [ -p /dev/stdin ]; then cat > /dev/null; fi; }
        for name in aws az gcloud ibmcloud oci aliyun vault bao helm curl openssl ant base64; do
          eval "$name() { record $name \"\$@\"; drain; echo $name-said; }"
        done
        kubectl() {
          record kubectl "$@"
          case "$*" in *"--filename -"*) cat > "$CALLS.applied" ;; esac
          echo kubectl-said
        }
        jq() {
          record jq "$@"
          cat > /dev/null
          case "$*" in "-r .issuer") echo https://issuer.example.com/a/ ;; *) echo jq-said ;; esac
        }
        cd "$2"
        set -u
        . "$1"
        """#

    private func ways() async throws -> [(platform: String, provider: String, mechanism: String)] {
        let matrix = try JSONValue(parsing: Array(try await lanyard(["matrix", "-o", "json"]).output.utf8))
        return (matrix.object ?? [:]).flatMap { provider, cells in
            (cells.object ?? [:]).flatMap { platform, cell in
                (cell.array ?? []).compactMap(\.string).map { (platform, provider, $0) }
            }
        }
    }

    @Test("every way of the matrix is a script that runs, with no variable that is not defined")
    func runsAll() async throws {
        let ways = try await ways()
        #expect(ways.count > 250)
        for (platform, provider, mechanism) in ways {
            let result = try await lanyard(
                ["explain", provider, "--platform", platform, "--mechanism", mechanism, "--serviceaccount", "ml/llm"])
            #expect(result.exitCode == 0 && result.errors.isEmpty, "\(result.errors)")
            let calls = try await calls(of: result.output)
            let annotation = try #require(calls.last { $0.starts(with: ["kubectl", "annotate"]) })
            #expect(
                annotation.starts(with: ["kubectl", "annotate", "serviceaccount", "llm", "--namespace", "ml"]),
                "\(platform) \(provider) \(mechanism)")
        }
    }

    @Test("a cell without a ServiceAccount is a script that runs, too")
    func runsCells() async throws {
        for (provider, platform) in [
            ("aws-bedrock", "eks"), ("azure-openai", "aks"), ("google-vertex", "gke"), ("ibm-watsonx", "iks"),
            ("oracle-genai", "oke"), ("alibaba-modelstudio", "ack"), ("anthropic", "self-managed"), ("groq", "eks"),
        ] {
            let result = try await lanyard(["explain", provider, "--platform", platform])
            #expect(result.exitCode == 0)
            #expect(try await !calls(of: result.output).isEmpty)
        }
    }

    @Test("all that a ServiceAccount asks for is one script that runs, however the ServiceAccount is named")
    func runsServiceAccount() async throws {
        let manifest = Manifest.serviceAccount(
            in: "ml",
            [
                "eks.amazonaws.com/role-arn": Manifest.role, "azure.workload.identity/client-id": Manifest.azureClient,
                "azure.workload.identity/tenant-id": Manifest.azureTenant, "lanyard.dev/vault-role": "llm",
                "lanyard.dev/vault-path.groq": "secret/data/ml/groq",
                "lanyard.dev/vault-path.mistral": "secret/data/ml/mistral",
            ])
        let names = [["ml/llm"], ["sa/llm", "-n", "ml"], ["--serviceaccount", "llm", "-n", "ml"], []]
        let scripts = try await names.asyncMap { name in
            try await lanyard(["explain", "--platform", "aks", "-f", "-"] + name, input: manifest)
        }
        #expect(scripts.allSatisfy { $0.exitCode == 0 && $0.output == scripts[0].output })
        let calls = try await calls(of: scripts[0].output)
        #expect(calls.filter { $0.starts(with: ["az", "aks", "update"]) }.count == 1)
        #expect(calls.filter { $0.starts(with: ["aws", "iam", "create-role"]) }.count == 1)
        let secrets = calls.filter { $0.starts(with: ["vault", "kv", "put"]) }
        #expect(secrets.map { $0[4] } == ["ml/groq", "ml/mistral"])
        let roles = calls.filter { $0.starts(with: ["vault", "write", "auth/kubernetes/role/llm"]) }
        #expect(roles.map { $0[6] } == ["token_policies=lanyard-ml-llm-groq,lanyard-ml-llm-mistral"])
        let annotated = calls.filter { $0.starts(with: ["kubectl", "annotate"]) }.flatMap { $0 }
        #expect(annotated.contains("lanyard.dev/vault-path.groq=secret/data/ml/groq"))
        #expect(annotated.contains("lanyard.dev/vault-path.mistral=secret/data/ml/mistral"))
    }

    @Test("platforms, providers and mechanisms are completed", arguments: ["bash", "zsh", "fish"])
    func completes(shell: String) async throws {
        let result = try await lanyard(["--generate-completion-script", shell])
        #expect(result.exitCode == 0)
        for word in ["self-managed", "aws-bedrock", "gcp-workload-identity-federation"] {
            #expect(result.output.contains(word), "\(word)")
        }
    }

    @Test("IRSA's role is created with a trust policy for this subject and audience alone")
    func trustsForIRSA() async throws {
        let script = try await lanyard(
            ["explain", "aws-bedrock", "--platform", "eks", "-f", "-"], input: Manifest.bedrock(in: "ml"))
        #expect(script.exitCode == 0)
        let calls = try await calls(of: script.output)
        let provider = try #require(calls.first { $0.starts(with: ["aws", "iam", "create-open-id-connect-provider"]) })
        #expect(
            provider.dropFirst(3) == [
                "--url", "https://issuer.example.com/a/", "--client-id-list", "sts.amazonaws.com",
            ])
        let role = try #require(calls.first { $0.starts(with: ["aws", "iam", "create-role"]) })
        #expect(role.starts(with: ["aws", "iam", "create-role", "--role-name", "bedrock", "--path", "/"]))
        let policy = try JSONValue(parsing: Array(try #require(role.last).utf8))
        #expect(
            policy.at("Statement", "0", "Principal", "Federated")
                == "arn:aws:iam::111122223333:oidc-provider/issuer.example.com/a/")
        #expect(
            policy.at("Statement", "0", "Condition", "StringEquals") == [
                "issuer.example.com/a/:sub": "system:serviceaccount:ml:llm",
                "issuer.example.com/a/:aud": "sts.amazonaws.com",
            ])
        let permissions = try #require(calls.first { $0.starts(with: ["aws", "iam", "put-role-policy"]) }?.last)
        #expect(
            try JSONValue(parsing: Array(permissions.utf8)).at("Statement", "0", "Action")
                == ["bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"])
    }

    @Test("Entra's credential has the issuer to the letter, the subject and one audience")
    func trustsForAzure() async throws {
        let manifest = Manifest.serviceAccount(
            in: "ml", ["azure.workload.identity/client-id": "11111111-2222-3333-4444-555555555555"])
        let script = try await lanyard(
            ["explain", "azure-openai", "--platform", "aks", "-f", "-", "--mechanism", "azure-workload-identity"],
            input: manifest)
        let calls = try await calls(of: script.output)
        #expect(calls.contains { $0.starts(with: ["az", "aks", "update"]) && $0.last == "--enable-oidc-issuer" })
        let credential = try #require(calls.first { $0.starts(with: ["az", "identity", "federated-credential"]) })
        #expect(
            credential.suffix(6) == [
                "--issuer", "https://issuer.example.com/a/", "--subject", "system:serviceaccount:ml:llm", "--audiences",
                "api://AzureADTokenExchange",
            ])
        #expect(!calls.contains { $0.starts(with: ["az", "identity", "create"]) })
    }

    @Test("values cannot leave their words, whatever is in them")
    func quotes() async throws {
        let audience = "a'b$(touch${IFS}escaped)`touch${IFS}escaped`;&|*~#!"
        let manifest = Manifest.serviceAccount(
            in: "ml", ["eks.amazonaws.com/role-arn": Manifest.role, "eks.amazonaws.com/audience": audience])
        let script = try await lanyard(["explain", "aws-bedrock", "--platform", "gke", "-f", "-"], input: manifest)
        #expect(script.exitCode == 0)
        let calls = try await calls(of: script.output)
        #expect(
            calls.contains {
                $0.starts(with: ["aws", "iam", "create-open-id-connect-provider"]) && $0.last == audience
            })
        #expect(!calls.contains { $0.first == "touch" })
        #expect(!script.output.split(separator: "\n").contains { $0.hasPrefix("touch") })
    }

    @Test(
        "what cannot be explained: exit code 2, and what to write",
        arguments: [
            (
                ["explain", "aws-bedrok", "--platform", "eks"],
                "aws-bedrok is not a provider; did you mean aws-bedrock?"
            ),
            (["explain", "aws-bedrock"], "the platform is not known; add --platform"),
            (
                ["explain", "aws-bedrock", "--platform", "gke", "--mechanism", "irsa"],
                "irsa is not a mechanism for aws-bedrock on gke; write one of aws-web-identity"
            ),
            (
                ["explain", "aws-bedrock", "--platform", "eks", "-f", "-", "--serviceaccount", "ml/other"],
                "ServiceAccount ml/other is not in the files; they have ml/llm, ml/second"
            ),
            (
                ["explain", "aws-bedrock", "--platform", "eks", "-f", "-"],
                "say which ServiceAccount is meant, with --serviceaccount; they have ml/llm, ml/second"
            ),
            (
                ["explain", "--platform", "eks"],
                "say what to explain: a provider, or a ServiceAccount whose providers are meant, as NS/NAME"
            ),
            (
                ["explain", "openai", "groq", "--platform", "eks"],
                "openai groq: name one provider, or none for all that a ServiceAccount asks for"
            ),
            (["explain", "ml/llm", "ml/second"], "ml/llm and ml/second: name one ServiceAccount"),
            (["explain", "ml/llm", "-n", "other"], "-n other and ml/llm name two namespaces: write one of them"),
            (["explain", "ml/llm", "--mechanism", "irsa", "-f", "-"], "--mechanism is for one provider"),
            (
                ["explain", "ml/second", "--platform", "eks", "-f", "-"],
                "ServiceAccount ml/second asks for no provider; name the one to explain, one of aws-bedrock, "
            ),
            (
                ["explain", "openai", "--platform", "eks", "--serviceaccount", "ml/$(id)"],
                "\"$(id)\" is not usable as a ServiceAccount's name"
            ),
        ])
    func refuses(arguments: [String], message: String) async throws {
        let manifests = Manifest.bedrock(in: "ml") + Manifest.serviceAccount("second", in: "ml", ["a": "b"])
        let result = try await lanyard(arguments, input: manifests)
        #expect(result.exitCode == 2 && result.output.isEmpty)
        #expect(result.errors.contains(message), "\(result.errors)")
    }
}

extension [[String]] {
    fileprivate func asyncMap<Result>(_ body: ([String]) async throws -> Result) async throws -> [Result] {
        var results: [Result] = []
        for element in self { results.append(try await body(element)) }
        return results
    }
}
