/// Which objects to list, and how.
public struct ListOptions: Hashable, Sendable {
    /// `app=web,tier!=cache`
    public var labelSelector: String?

    /// `status.phase!=Succeeded`; which fields can be selected by depends on the kind.
    public var fieldSelector: String?

    /// `nil`: as new as it gets. `"0"`: whatever the server has at hand, which is fast and may be old.
    public var resourceVersion: String?

    /// How many objects to send at once. Without it, all.
    public var limit: Int?

    /// Asks for the next page.
    public var continueToken: String?

    /// How many objects of the usual size make a page.
    public static let pageSize = 500

    public init(
        labelSelector: String? = nil, fieldSelector: String? = nil, resourceVersion: String? = nil,
        limit: Int? = ListOptions.pageSize, continueToken: String? = nil
    ) {
        self.labelSelector = labelSelector
        self.fieldSelector = fieldSelector
        self.resourceVersion = resourceVersion
        self.limit = limit
        self.continueToken = continueToken
    }
}

/// Which changes to be told of, and from when.
public struct WatchOptions: Hashable, Sendable {
    public var labelSelector: String?
    public var fieldSelector: String?

    /// Changes after this version are sent.
    public var resourceVersion: String

    /// After how long the server ends the watch. It is then taken up again, so that load is spread over servers.
    public var timeout: Duration

    public init(
        labelSelector: String? = nil, fieldSelector: String? = nil, resourceVersion: String,
        timeout: Duration = .seconds(300)
    ) {
        self.labelSelector = labelSelector
        self.fieldSelector = fieldSelector
        self.resourceVersion = resourceVersion
        self.timeout = timeout
    }
}
