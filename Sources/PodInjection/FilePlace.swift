internal import WorkloadIdentity

/// Where a container expects a file that a binding has, by the variable that names it.
enum FilePlace: Hashable {
    /// Where the binding's own volume shows it. The container says so itself, or says nothing.
    case standard
    /// In a folder of its own choice: it is put there. The folder may be mounted already, by a volume of the name that
    /// Lanyard's would have.
    case custom(ContainerPath, folder: ContainerPath, isMounted: Bool)
    /// Under a mount of its own: another file, which is its own matter.
    case mounted
    /// Where only its image can have a file.
    case image
    /// Nobody can tell before the container runs.
    case unknown
    /// Nothing can be put there.
    case nowhere

    /// - Parameters:
    ///   - variable: its name.
    ///   - standard: what Lanyard would set; `nil` if it would set nothing.
    init(
        of variable: String, standard: PodAddition.Variable.Value?, in container: PodManifest.Container,
        on system: PodContext.OperatingSystem
    ) {
        let value = container.value(of: variable)
        guard container.defines(variable), value != standard || standard == nil else {
            self = .standard
            return
        }
        guard case .text(let text)? = value else {
            self = .unknown
            return
        }
        guard let path = ContainerPath(text, on: system), let folder = path.folder else {
            self = text.isEmpty ? .nowhere : .unknown
            return
        }
        let customName = CustomFolder.name(for: folder)
        let covering = container.mounts.last { mount in
            ContainerPath(mount.path, on: system).map(path.isWithin) ?? false
        }
        if let covering {
            let isCustom = covering.volume == customName && ContainerPath(covering.path, on: system) == folder
            self = isCustom ? .custom(path, folder: folder, isMounted: true) : .mounted
            return
        }
        guard CustomFolder.isBelowRoot(folder, on: system) else {
            self = .image
            return
        }
        let isAboveMount = container.mounts.contains { mount in
            ContainerPath(mount.path, on: system)?.isWithin(folder) ?? false
        }
        self =
            isAboveMount || CustomFolder.isReserved(folder, on: system)
            ? .nowhere : .custom(path, folder: folder, isMounted: false)
    }
}
