public import KubernetesModel

/// Which objects a ``Reflector`` follows, and how.
public struct ReflectorConfiguration<Resource: KubernetesResource>: Sendable {
    /// The kind by another version, where the server does not have that of `Resource`.
    public var resourceType = Resource.resourceType

    /// `nil`: all of them.
    public var namespace: String?
    public var labelSelector: String?
    public var fieldSelector: String?
    public var indexes: [StoreIndex<Resource>] = []

    /// Takes from each object what need not be kept in memory. Not the key, nor the resource version.
    public var strip: (@Sendable (inout Resource) -> Void)?

    public init(
        namespace: String? = nil, labelSelector: String? = nil, fieldSelector: String? = nil,
        indexes: [StoreIndex<Resource>] = [], strip: (@Sendable (inout Resource) -> Void)? = nil
    ) {
        self.namespace = namespace
        self.labelSelector = labelSelector
        self.fieldSelector = fieldSelector
        self.indexes = indexes
        self.strip = strip
    }
}
