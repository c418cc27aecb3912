import Foundation
import JSON
import PodInjection
import Testing
import WorkloadIdentity

@testable import lanyard

/// The test data of Amazon's own webhook, read where it lies: each file is a pod whose annotations say what the webhook
/// is set to, and what it makes of the pod.
/// https://github.com/aws/amazon-eks-pod-identity-webhook/tree/master/pkg/handler/testdata
@Suite(.enabled(if: EKSCase.folder != nil, "needs EKS_WEBHOOK_CASES, the folder of the EKS webhook's test data"))
struct EKSWebhookTests {
    @Test("all of the webhook's cases are there")
    func isComplete() throws {
        #expect(try EKSCase.all().count == 24)
        #expect(Set(try EKSCase.all().map(\.name)).isSuperset(of: Self.deviations.keys))
    }

    @Test(
        "a pod comes out as the EKS webhook makes it",
        arguments: try EKSCase.all().filter { deviations[$0.name] == nil })
    func agrees(example: EKSCase) throws {
        #expect(try example.injected().normalized == example.expected().normalized)
    }

    /// Where we mean to differ: why, and what the pod's container has then.
    private struct Deviation {
        var reason: String
        var container: String
        var variables: [String]
        var mounts: [String]
        /// What people are told; `nil` if nothing is wrong.
        var problem: Problem.Reason?
    }

    private static let deviations: [String: Deviation] = [
        "rawPodSkip": Deviation(
            reason: "The user's own role stays without our token file: half of two identities is none.",
            container: "balajilovesoreos", variables: ["AWS_ROLE_ARN"], mounts: [], problem: .userValueKept),
        "rawPodHasAll": Deviation(
            reason: "The user's role is the one that is meant, so its token file is added, and mounted.",
            container: "balajilovesoreos",
            variables: [
                "AWS_REGION", "AWS_STS_REGIONAL_ENDPOINTS", "AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE",
            ],
            mounts: ["aws-iam-token"]),
        "rawPodHasVolumeMount": Deviation(
            reason: "A volume of the right name that holds something else is no token; and the mount is not valid.",
            container: "balajilovesoreos", variables: [], mounts: ["aws-iam-token"], problem: .volumeNameTaken),
        "containercredentials/rawPodWithConflictingVolumeMount": Deviation(
            reason: "A volume of the right name that holds something else is no token.",
            container: "balajilovesoreos", variables: [], mounts: ["con-creds-volume-name"],
            problem: .volumeNameTaken),
    ]

    @Test("a pod comes out otherwise where the EKS webhook half-makes it", arguments: deviations.keys.sorted())
    func differs(name: String) throws {
        let deviation = try #require(Self.deviations[name])
        let example = try #require(try EKSCase.all().first { $0.name == name })
        let pod = try example.injected()
        #expect(pod.normalized != (try example.expected()).normalized, "\(deviation.reason)")
        let container = try #require(
            pod["spec"]?["containers"]?.array?.first { $0["name"]?.string == deviation.container })
        func names(_ field: String) -> [String] { (container[field]?.array ?? []).compactMap { $0["name"]?.string } }
        #expect(names("env") == deviation.variables, "\(deviation.reason)")
        #expect(names("volumeMounts") == deviation.mounts, "\(deviation.reason)")
        #expect(try example.injection().problems.map(\.reason) == [deviation.problem].compactMap { $0 })
    }
}

/// One file of the EKS webhook's test data.
struct EKSCase: CustomTestStringConvertible {
    /// The file's path in the folder, without its ending.
    let name: String
    private let pod: JSONValue
    private let settings: [String: String]

    var testDescription: String { name }

    static let folder = ProcessInfo.processInfo.environment["EKS_WEBHOOK_CASES"].map { URL(fileURLWithPath: $0) }

    private static let ending = ".pod.yaml"
    private static let prefix = "testing.eks.amazonaws.com/"

    static func all() throws -> [EKSCase] {
        guard let folder else { return [] }
        let files = FileManager.default.enumerator(atPath: folder.path)?.compactMap { $0 as? String } ?? []
        return try files.filter { $0.hasSuffix(ending) }.sorted().map { file in
            let text = try String(contentsOf: folder.appendingPathComponent(file), encoding: .utf8)
            return try EKSCase(name: String(file.dropLast(ending.count)), text)
        }
    }

    private init(name: String, _ text: String) throws {
        self.name = name
        // Every case runs as this account, and one file names it twice, which no YAML may.
        let lines = text.split(separator: "\n").filter { $0 != "  serviceAccountName: default" }
        let documents = try YAML.documents(in: lines.joined(separator: "\n"), file: name)
        var pod = try #require(documents.first?.value)
        var settings: [String: String] = [:]
        var annotations = JSONObject()
        for (key, value) in pod["metadata"]?["annotations"]?.object ?? [:] {
            if key.hasPrefix(Self.prefix) {
                settings[String(key.dropFirst(Self.prefix.count))] = value.string
            } else {
                annotations[key] = value
            }
        }
        pod["metadata"]?["annotations"] = .object(annotations)
        self.pod = pod
        self.settings = settings
    }

    // MARK: What is made of it

    private static let subject = Subject(namespace: "default", serviceAccount: "default")

    func injection() throws -> Injection {
        let plan = Plan(
            for: Self.subject, serviceAccount: serviceAccount, pod: PodContext(pod: pod), facts: .offline(.eks),
            configuration: try configuration())
        // The webhook's own runner lets its random numbers be zero.
        return Injection(of: plan, into: pod, jitter: LifetimeJitter(position: 0))
    }

    func injected() throws -> JSONValue { try pod.applying(try injection().patch) }

    func expected() throws -> JSONValue {
        let text = try #require(settings["expectedPatch"])
        // The cases' address of the agent is none.
        let patch = text.replacing(#""con-creds-uri""#, with: #""\#(Self.credentialsURI)""#)
        var pod = pod
        for operation in try #require(try JSONValue(parsing: Array(patch.utf8)).array) {
            #expect(operation["op"] == "add")
            let pointer = JSONPointer(escaped: try #require(operation["path"]?.string))
            try pod.apply(JSONPatch([.add(pointer, try #require(operation["value"]))]))
        }
        return pod
    }

    private static let credentialsURI = "http://169.254.170.23/v1/credentials"

    /// What the webhook's runner puts on the ServiceAccount.
    private var serviceAccount: [String: String] {
        let keys = [
            "role-arn": settings["serviceAccount/roleArn"],
            "audience": settings["serviceAccount/audience"],
            "sts-regional-endpoints": settings["serviceAccount/sts-regional-endpoints"]
                ?? settings["handler/injectSTS"],
            "token-expiration": settings["serviceAccount/token-expiration"] ?? settings["handler/expiration"],
        ]
        return Dictionary(
            keys.compactMap { key, value in value.map { ("eks.amazonaws.com/\(key)", $0) } }
        ) { first, _ in first }
    }

    /// What the webhook's runner gives to the webhook itself.
    private func configuration() throws -> Configuration {
        var configuration = Configuration()
        configuration.aws.region = settings["handler/region"]
        if let path = settings["handler/mountPath"] { configuration.aws.tokenMountPath = path }
        guard settings["containercredentials/uri"]?.isEmpty == false else { return configuration }
        configuration.aws.podIdentity.identities = [Self.subject]
        configuration.aws.podIdentity.credentialsURI = Self.credentialsURI
        configuration.aws.podIdentity.audience = try #require(settings["containercredentials/audience"])
        configuration.aws.podIdentity.tokenMountPath = try #require(settings["containercredentials/mountPath"])
        configuration.aws.podIdentity.volumeName = try #require(settings["containercredentials/volumeName"])
        configuration.aws.podIdentity.tokenPath = try #require(settings["containercredentials/tokenPath"])
        return configuration
    }
}

extension JSONPointer {
    /// Reads what `description` writes (RFC 6901 section 3).
    fileprivate init(escaped: String) {
        self = escaped.split(separator: "/").reduce(JSONPointer()) { pointer, token in
            pointer.appending(String(token).replacing("~1", with: "/").replacing("~0", with: "~"))
        }
    }
}

extension JSONValue {
    /// The pod without Lanyard's stamps, without what is null or empty, and with its volumes in one order. The order of
    /// variables counts.
    fileprivate var normalized: JSONValue? {
        var pod = self
        for (key, _) in self["metadata"]?["annotations"]?.object ?? [:] where key.hasPrefix("lanyard.dev/") {
            pod["metadata"]?["annotations"]?[key] = nil
        }
        let volumes = pod["spec"]?["volumes"]?.array ?? []
        pod["spec"]?["volumes"] = .array(volumes.sorted { $0["name"]?.string ?? "" < $1["name"]?.string ?? "" })
        return pod.withoutNothing
    }

    /// `nil` for what is null, or has nothing in it.
    private var withoutNothing: JSONValue? {
        switch self {
        case .null: return nil
        case .array(let elements):
            let kept = elements.compactMap(\.withoutNothing)
            return kept.isEmpty ? nil : .array(kept)
        case .object(let members):
            var kept = JSONObject()
            for (key, value) in members { kept[key] = value.withoutNothing }
            return kept.isEmpty ? nil : .object(kept)
        default: return self
        }
    }
}
