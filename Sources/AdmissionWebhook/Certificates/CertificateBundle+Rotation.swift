public import FoundationEssentials
import X509

extension CertificateBundle {
    /// What a rotation did. All but ``none`` must be stored.
    public enum Change: Sendable, Hashable {
        case none

        /// A new CA and a certificate signed with it, at once: there was nothing that could be used.
        case replaced(because: String)

        /// A new CA that signs nothing yet. The certificate stays until everyone trusts the new CA.
        case announcedAuthority

        /// A new serving certificate.
        case renewed(because: String)

        /// CAs that have expired are trusted no longer.
        case droppedAuthorities

        /// The CA of a certificate that is still shown was not among those to be trusted.
        case keptAuthority

        /// What was done, in a few words.
        public var summary: String {
            switch self {
            case .none: "nothing"
            case .replaced: "replaced CA and certificate"
            case .announcedAuthority: "announced a new CA"
            case .renewed: "renewed the certificate"
            case .droppedAuthorities: "dropped expired CAs"
            case .keptAuthority: "kept the CA of the certificate that is shown"
            }
        }

        /// Why, where that does not go without saying.
        public var reason: String? {
            switch self {
            case .replaced(let reason), .renewed(let reason): reason
            case .none, .announcedAuthority, .droppedAuthorities, .keptAuthority: nil
            }
        }
    }

    /// What to use now, given what is stored.
    ///
    /// Whatever becomes of the Secret, the CA of what is shown stays trusted. Where the Secret has gone, or cannot be used, a
    /// new CA is made, and the certificate that is shown stays until that CA is known everywhere.
    ///
    /// - Parameters:
    ///   - secretData: the Secret's data, or `nil` if there is no Secret. If it cannot be used it is replaced, except that CAs
    ///     which can be read stay trusted: another replica may still show a certificate of theirs.
    ///   - shown: what this replica shows; `nil` if nothing yet.
    ///   - caBundles: what the registrations trust at present. Our own CAs among that stay trusted where there is no Secret:
    ///     other replicas may show their certificates.
    public static func rotating(
        _ secretData: [String: [UInt8]]?,
        showing shown: CertificateBundle? = nil,
        trustedBy caBundles: [[UInt8]] = [],
        for names: ServingNames,
        at now: Date,
        lifetimes: CertificateLifetimes = CertificateLifetimes()
    ) throws(CertificateError) -> (bundle: CertificateBundle, change: Change) {
        var known = shown?.authorities ?? []
        let reason: String
        if let secretData {
            do {
                var bundle = try CertificateBundle(secretData: secretData)
                if bundle.keep(shown?.signer, at: now) { return (bundle, .keptAuthority) }
                let change = try bundle.rotate(for: names, at: now, lifetimes: lifetimes)
                return (bundle, change)
            } catch {
                known += secretData[SecretKey.authorities].flatMap { try? Certificate.all(inPEM: $0, named: "") } ?? []
                reason = error.description
            }
        } else {
            reason = shown == nil ? "there are no certificates yet" : "the Secret is gone"
        }
        for caBundle in caBundles {
            known += ((try? Certificate.all(inPEM: caBundle, named: "")) ?? []).filter(CertificateAuthority.isOurs)
        }
        var bundle = try CertificateBundle(for: names, at: now, lifetimes: lifetimes)
        if let shown, let signer = shown.signer, shown.servingCertificate.leaf.isValid(at: now),
            names.missing(in: shown.servingCertificate.leaf).isEmpty
        {
            bundle.servingCertificate = shown.servingCertificate
            known.insert(signer, at: 0)
        }
        bundle.retiredAuthorities = known.stillTrusted(at: now)
        return (bundle, .replaced(because: reason))
    }

    /// Takes the one step that is due, if any.
    ///
    /// A CA that nears its end is followed by one that is announced first, then signs, while the old one stays trusted until it
    /// expires: no certificate that it signed can outlive it. So at no time is a certificate shown that an API server does not
    /// trust yet, or any more, whichever replica shows it.
    public mutating func rotate(
        for names: ServingNames,
        at now: Date,
        lifetimes: CertificateLifetimes = CertificateLifetimes()
    ) throws(CertificateError) -> Change {
        guard authority.certificate.isValid(at: now) else {
            let reason = "the CA has expired or is not valid yet"
            return try replace(for: names, at: now, lifetimes: lifetimes, because: reason)
        }
        if let reason = reasonToRenew(for: names, at: now, lifetimes: lifetimes) {
            servingCertificate = try authority.serve(names, validFrom: now, lifetimes: lifetimes)
            return .renewed(because: reason)
        }
        if now >= nextAuthority(lifetimes) {
            retiredAuthorities = [authority.certificate] + retiredAuthorities
            authority = try CertificateAuthority(validFrom: now, lifetimes: lifetimes)
            return .announcedAuthority
        }
        let trusted = retiredAuthorities.stillTrusted(at: now)
        guard trusted.count < retiredAuthorities.count else { return .none }
        retiredAuthorities = trusted
        return .droppedAuthorities
    }

    /// When ``rotate(for:at:lifetimes:)`` will have something to do, if neither names nor clock change before. It does no harm
    /// to come sooner.
    public func nextRotation(lifetimes: CertificateLifetimes = CertificateLifetimes()) -> Date {
        let renewal = servingCertificate.leaf.renewal(lifetimes)
        let next = servingCertificate.leaf.isSigned(by: authority.certificate) ? renewal : announced(lifetimes)
        return ([next, nextAuthority(lifetimes)] + retiredAuthorities.map(\.notValidAfter)).min() ?? next
    }
}

// MARK: - Decisions

extension CertificateBundle {
    private var authorities: [Certificate] { [authority.certificate] + retiredAuthorities }

    /// The CA of the serving certificate.
    private var signer: Certificate? {
        authorities.first { servingCertificate.leaf.isSigned(by: $0) }
    }

    /// Goes on trusting a CA.
    ///
    /// - Returns: whether that was not so already.
    private mutating func keep(_ certificate: Certificate?, at now: Date) -> Bool {
        guard let certificate, certificate.isValid(at: now), !authorities.contains(certificate) else { return false }
        let own = signer.map { [$0] } ?? []
        let kept = (own.filter { $0 != authority.certificate } + [certificate] + retiredAuthorities)
        retiredAuthorities = kept.stillTrusted(at: now)
        return true
    }

    private func reasonToRenew(for names: ServingNames, at now: Date, lifetimes: CertificateLifetimes) -> String? {
        let leaf = servingCertificate.leaf
        let missing = names.missing(in: leaf)
        guard missing.isEmpty else {
            return "the serving certificate is not for \(missing.joined(separator: ", "))"
        }
        guard leaf.isValid(at: now) else { return "the serving certificate has expired or is not valid yet" }
        // Anything else can wait until the CA is known everywhere.
        guard now >= announced(lifetimes) else { return nil }
        guard leaf.isSigned(by: authority.certificate) else { return "the serving certificate is of an older CA" }
        guard now < leaf.renewal(lifetimes) else { return "the serving certificate expires soon" }
        return nil
    }

    private mutating func replace(
        for names: ServingNames,
        at now: Date,
        lifetimes: CertificateLifetimes,
        because reason: String
    ) throws(CertificateError) -> Change {
        let trusted = ([authority.certificate] + retiredAuthorities).stillTrusted(at: now)
        self = try CertificateBundle(for: names, at: now, lifetimes: lifetimes, retiredAuthorities: trusted)
        return .replaced(because: reason)
    }

    /// When the newest CA may sign: at once if it is the only one.
    private func announced(_ lifetimes: CertificateLifetimes) -> Date {
        let made = authority.certificate.notValidBefore.addingTimeInterval(lifetimes.backdating)
        return retiredAuthorities.isEmpty ? made : made.addingTimeInterval(lifetimes.announcement)
    }

    /// When the next CA is to be made: early enough that no certificate need be cut short by the CA's end.
    private func nextAuthority(_ lifetimes: CertificateLifetimes) -> Date {
        authority.certificate.notValidAfter.addingTimeInterval(-2 * lifetimes.leaf)
    }
}

extension Certificate {
    fileprivate func isValid(at now: Date) -> Bool {
        notValidBefore <= now && now < notValidAfter
    }

    fileprivate func renewal(_ lifetimes: CertificateLifetimes) -> Date {
        lifetimes.renewal(after: notValidBefore, before: notValidAfter)
    }
}

extension [Certificate] {
    /// Those that have not expired, each once, four at most: a Secret that is broken again and again must not grow for ever.
    fileprivate func stillTrusted(at now: Date) -> [Certificate] {
        var trusted: [Certificate] = []
        for certificate in self where now < certificate.notValidAfter && !trusted.contains(certificate) {
            trusted.append(certificate)
        }
        return Array(trusted.prefix(4))
    }
}
