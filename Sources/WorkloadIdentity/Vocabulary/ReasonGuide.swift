/// What a reason means, and what to do about it: for people who meet it in a status, a warning or a report.
///
/// `docs/reasons.md` is made of the same table.
public struct ReasonGuide: Hashable, Sendable {
    public let reason: Problem.Reason
    /// A clause without a full stop, beginning with a capital letter.
    public let meaning: String
    /// The same, beginning with a small one.
    public let remedy: String

    /// Where it is explained.
    public var address: String { Self.page + "#" + reason.rawValue.lowercased() }

    /// `docs/reasons.md`, as it is published.
    private static let page = "https://lanyard.dev/docs/reasons"

    private init(_ reason: Problem.Reason, _ meaning: String, _ remedy: String) {
        self.reason = reason
        self.meaning = meaning
        self.remedy = remedy
    }
}

extension Problem.Reason {
    /// `nil` for a reason that is no problem's.
    public var guide: ReasonGuide? { ReasonGuide.byReason[self] }
}

extension ReasonGuide {
    fileprivate static let byReason = Dictionary(all.map { ($0.reason, $0) }) { first, _ in first }

    /// In the order of the reasons' names.
    public static let all: [ReasonGuide] = [
        .init(
            .allowedPathsNotSet, "The secrets' store serves the whole cluster, and vault.allowedPaths is not set",
            "set vault.allowedPaths in the operator's configuration"),
        .init(
            .annotatedTooLate, "The Vault injector has been at the pod already and will not read annotations again",
            """
            see that the injector's MutatingWebhookConfiguration sorts after pod-injector.lanyard.dev: they are called in \
            the order of their names
            """),
        .init(
            .anotherIdentity, "The container has the variables of another AWS identity already",
            "remove one of the two; until then the one that was there is kept"),
        .init(
            .applicationMustPass, "The provider's SDK does not find the credential by itself",
            "pass what the message names to the SDK, in the application's code"),
        .init(
            .applicationMustSource, "The Vault agent writes a file, and the SDK reads variables",
            "start the application with: . /vault/secrets/PROVIDER.env && exec …"),
        .init(
            .audienceOfAPIServer, "Vault gets tokens that are good for the API server, too",
            "set vault.audience to something else, unless Vault is to review the tokens with the API server"),
        .init(
            .clusterMustBeEnhanced, "OKE serves workload identity on enhanced clusters only",
            "check the cluster's type"),
        .init(
            .credentialFileMissing, "A variable of the container names a file that nothing puts there",
            "remove the variable, or write a path in a folder below /var/run/secrets"),
        .init(
            .environmentUnknown,
            """
            What a source of envFrom defines is not known: a stored key in it would win over the identity, and injected \
            values win over others in it
            """, "look into the Secret or ConfigMap; a value that is to win belongs into env"),
        .init(
            .invalidValue, "The value of an annotation or a label is malformed",
            """
            write what the message says; if the value chooses an identity, a mechanism or containers, nothing is injected \
            for that provider, and a lifetime, a region or a flag counts as absent
            """),
        .init(
            .issuerUnverified, "It is not known whether the cluster's issuer can be reached from outside",
            "set issuer.public in the operator's configuration"),
        .init(
            .keyAlgorithmNotTaken, "The provider does not take a key of the type that the cluster signs with",
            "have the API servers sign with a key of another type; RSA is taken by all"),
        .init(
            .keyIDMissing, "The provider needs the id of each key of the issuer, and one has none",
            "see what serves the issuer's keys; an API server gives each an id"),
        .init(
            .keyTooShort, "A key with which the cluster signs has fewer than 2048 bits",
            "have the API servers sign with a longer one"),
        .init(
            .malformedPod, "The pod has no containers, too many, or a field that is not of its type",
            "fix the pod; nothing is injected into it as it is"),
        .init(
            .managedWebhookFirst,
            """
            On EKS the cluster's own webhook sets the first role's variables, which win over a second role or a container's \
            own
            """, "label the pods eks.amazonaws.com/skip-pod-identity-webhook=true"),
        .init(
            .metadataServerNotFound, "No node runs GKE's metadata server",
            "enable Workload Identity Federation on the cluster and its node pools"),
        .init(
            .misplacedKey, "An annotation or a label is on an object where it has no effect",
            "move it to the object that the message names"),
        .init(
            .modelNotReachable, "What is injected gives access to the platform's APIs, but calls no model",
            "add the annotation that the message names"),
        .init(
            .mountPathTaken,
            "The container has another volume at the path of an injected one, or a read-only one above it",
            "mount yours elsewhere"),
        .init(
            .noEffect, "An annotation or a label does nothing on this platform, or for these containers",
            "use the key that the message names, or remove it"),
        .init(
            .noMechanism, "The provider has no usable mechanism on this platform with these annotations",
            "add what the message names for the mechanism that you want"),
        .init(
            .onServiceAccountOnly,
            "A pod asks for a delivery that makes an object, which only its ServiceAccount may ask for",
            "have somebody who may annotate the ServiceAccount run the command in the message"),
        .init(
            .outOfRange, "A lifetime is out of the range that the cluster and the provider take, and was clamped",
            "write one in the range that the message names"),
        .init(
            .partitionMismatch, "The role is in another AWS partition than the region, as of China and GovCloud",
            "write a region of the role's partition"),
        .init(
            .pathNotAllowed, "No pattern of vault.allowedPaths covers the secret's path in this namespace",
            "write a path that the message lists, or have a pattern added to the operator's configuration"),
        .init(
            .pathUnknown,
            """
            The path in a variable cannot be told before the container runs: it has $(…), .. or valueFrom, is relative or of \
            more than 4096 bytes, or the pod has more than 4096 mounts
            """,
            "write a plain path; until then the file counts as the container's own"),
        .init(
            .podTooOld, "An ephemeral container cannot have what its pod was not given",
            "create the pod again"),
        .init(
            .requirementUnmet,
            "Pods labelled lanyard.dev/inject=required are denied, since they would start without their credentials",
            "fix what the message says; to let them start without, remove the label"),
        .init(
            .roleNotReadByAllSDKs,
            """
            Some SDKs cannot assume the second role of lanyard.dev/aws-assume-role-arn; they get no credentials, rather than \
            the node's
            """, "use another SDK in those containers"),
        .init(
            .serviceAccountNotFound, "The ServiceAccount of the pods was not found, so its annotations are not known",
            "add its manifest, to the cluster or to the files that are checked"),
        .init(
            .sessionNameUnusable, "The pod's name cannot be the name of an AWS session",
            "shorten it, or leave it: the SDK makes up a name"),
        .init(
            .singleUseToken,
            "Anthropic denies a token that it has seen already, which is what a restarted container presents",
            "set check_jti: false on the issuer at Anthropic"),
        .init(
            .staticCredential,
            "The container sets a variable with which its SDK uses other credentials than the identity",
            "remove the variable that the message names"),
        .init(
            .subjectTooLong, "Google takes 127 bytes of system:serviceaccount:NAMESPACE:NAME, and this one is longer",
            "shorten one of the names, or map google.subject to less"),
        .init(
            .tokenSentToProxy,
            """
            With EKS Pod Identity, a proxy is set and NO_PROXY does not have the agent's address: some SDKs send the pod's \
            token to the proxy
            """, "add the address to NO_PROXY"),
        .init(
            .unknownContainer, "An annotation names a container that the pod does not have",
            "correct the name"),
        .init(
            .unknownKey, "An annotation or a label of this prefix is not known",
            "use the key that the message suggests, or remove it"),
        .init(
            .unknownMechanism, "The mechanism is not known, or does not serve this provider on this platform",
            "use one that the message lists"),
        .init(
            .unknownProvider, "The provider is not known",
            "use the name that the message suggests, or declare the provider in the operator's configuration"),
        .init(
            .unsupportedCredential, "The container expects a credential that pods do not have",
            "ask for the provider as the message says"),
        .init(
            .uploadedKeysNotNoted,
            """
            The provider verifies tokens by keys that are uploaded to it, and nothing says which ones were, so nobody can \
            tell whether they are still all
            """, "note it, with the commands that lanyard keys prints"),
        .init(
            .uploadedKeysStale,
            """
            The cluster has a key that was not uploaded to the provider: it denies the tokens that are signed with it, now or \
            from the day on which the old key goes
            """, "upload the set again and note it, with the commands that lanyard keys prints"),
        .init(
            .userValueKept, "The container, or the pod, sets one of the injected values itself",
            "remove yours, or leave it; the message says if the credential is lacking then"),
        .init(
            .variableMissing, "The SDK needs a variable that neither the container nor an annotation sets",
            "add the annotation that the message names"),
        .init(
            .vaultInjectorNotFound,
            "No Vault injector is installed: nobody reads the pods' annotations, so the provider is not ready",
            "install the injector, or choose another delivery with lanyard.dev/secret-delivery"),
        .init(
            .volumeNameTaken, "The pod has another volume of the name of an injected one",
            "rename that volume"),
    ]
}
