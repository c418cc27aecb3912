extension ValueSyntax {
    /// `arn:PARTITION:iam::ACCOUNT:role/[PATH/]NAME`
    /// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-arns
    static let roleARN = ValueSyntax(
        "an IAM role's ARN, such as \"arn:aws:iam::111122223333:role/NAME\"", diagnosis: { faultOfRoleARN($0) }
    ) { value in
        let parts = value.split(separator: ":", omittingEmptySubsequences: false)
        guard (20...2048).contains(value.utf8.count), parts.count == 6, parts[0] == "arn",
            parts[1] == "aws" || parts[1].hasPrefix("aws-"), parts[1].utf8.allSatisfy(\.isLowercaseNameByte),
            parts[2] == "iam", parts[3].isEmpty,
            parts[4].utf8.count == 12, parts[4].utf8.allSatisfy(\.isDigit)
        else { return false }
        let resource = parts[5].split(separator: "/", omittingEmptySubsequences: false)
        guard resource.count >= 2, resource[0] == "role", let name = resource.last else { return false }
        return (1...64).contains(name.utf8.count)
            && name.utf8.allSatisfy { $0.isWordByte || "+=,.@-".utf8.contains($0) }
            && !isRelative(name)
            && resource.dropFirst().dropLast().allSatisfy { part in
                // A path may hold any visible character, but Kubernetes would expand $(NAME) in a variable.
                !part.isEmpty && !isRelative(part)
                    && part.utf8.allSatisfy { (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "$") }
            }
    }

    private static func faultOfRoleARN(_ value: String) -> Fault {
        var parts = value.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        if parts.count == 5, parts[0] == "arn", parts[2] == "iam" {
            // The region, which IAM has none of, is often left out altogether.
            parts.insert("", at: 3)
            return Fault(part: "the ARN has 5 parts, and 6 are needed", meant: parts.joined(separator: ":"))
        }
        guard parts.count == 6, parts[0] == "arn" else { return Fault() }
        let resource = parts[5].split(separator: "/").map(String.init)
        if parts[2] == "sts", resource.count == 3, resource[0] == "assumed-role" {
            return Fault(
                part: "it is the ARN of a role's session", meant: "arn:\(parts[1]):iam::\(parts[4]):role/\(resource[1])"
            )
        }
        if parts[2] != "iam" { return Fault(part: "its service is \"\(parts[2].shortened)\", not \"iam\"") }
        if !parts[3].isEmpty {
            parts[3] = ""
            return Fault(part: "a role has no region", meant: parts.joined(separator: ":"))
        }
        if !parts[4].utf8.allSatisfy(\.isDigit) {
            return Fault(part: "the account \"\(parts[4].shortened)\" is not a number of 12 digits")
        }
        if parts[4].utf8.count != 12 {
            return Fault(part: "the account has \(parts[4].utf8.count) digits, and 12 are needed")
        }
        if resource.first != "role" {
            return Fault(part: "it is the ARN of \"\((resource.first ?? "").shortened)\", not of a role")
        }
        if let name = resource.dropFirst().last, name.utf8.count > 64 {
            return Fault(part: "the role's name has \(name.utf8.count) characters, and 64 are allowed")
        }
        return Fault()
    }

    /// It is part of a host name in the SDKs, so nothing else may get into it. Every region's name has this form:
    /// https://github.com/boto/botocore/blob/develop/botocore/data/partitions.json
    static let awsRegion = ValueSyntax(
        "an AWS region, such as \"eu-central-1\"", diagnosis: { Fault(meant: awsRegionMeant(by: $0)) }
    ) { value in
        let parts = value.split(separator: "-", omittingEmptySubsequences: false)
        guard value.utf8.count <= 64, parts.count >= 3, let number = parts.last, let direction = parts.dropLast().last
        else { return false }
        return (1...2).contains(number.utf8.count) && number.utf8.allSatisfy(\.isDigit)
            && directions.contains(String(direction))
            && parts.dropLast().allSatisfy { !$0.isEmpty && $0.utf8.allSatisfy(\.isLowercaseLetter) }
    }

    private static let directions: Set<String> = [
        "north", "south", "east", "west", "central", "northeast", "northwest", "southeast", "southwest",
    ]

    /// A region in place of one of its zones, or with the hyphens that were forgotten.
    private static func awsRegionMeant(by value: String) -> String? {
        let name = value.lowercased()
        if let last = name.last, last.isLetter, name.dropLast().last?.isNumber == true {
            return String(name.dropLast())
        }
        let bare = name.filter(\.isLetterOrDigit)
        return awsRegions.first { $0.filter(\.isLetterOrDigit) == bare }
            ?? Spelling.nearest(to: name, among: awsRegions)
    }

    /// Those that models are called in most. They are suggested, and others taken.
    private static let awsRegions = [
        "us-east-1", "us-east-2", "us-west-1", "us-west-2", "ca-central-1", "sa-east-1", "eu-central-1", "eu-central-2",
        "eu-north-1", "eu-south-1", "eu-south-2", "eu-west-1", "eu-west-2", "eu-west-3", "ap-east-1", "ap-northeast-1",
        "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-south-2", "ap-southeast-1", "ap-southeast-2",
        "ap-southeast-3", "ap-southeast-4", "me-central-1", "me-south-1", "il-central-1", "af-south-1", "cn-north-1",
        "cn-northwest-1", "us-gov-east-1", "us-gov-west-1",
    ]
}

/// A part of AWS with accounts, roles and regions of its own. A role can be assumed in its own partition only.
/// https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html
enum AWSPartition {
    /// The beginnings of regions' names; all others are of `aws`.
    /// https://github.com/boto/botocore/blob/develop/botocore/data/partitions.json
    private static let prefixes = [
        ("cn-", "aws-cn"), ("us-gov-", "aws-us-gov"), ("eusc-", "aws-eusc"), ("us-iso-", "aws-iso"),
        ("us-isob-", "aws-iso-b"), ("eu-isoe-", "aws-iso-e"), ("us-isof-", "aws-iso-f"),
    ]

    /// In which the global endpoint of STS signs: https://docs.aws.amazon.com/general/latest/gr/sts.html
    static let globalRegion = "us-east-1"

    static func name(ofRegion region: String) -> String {
        prefixes.first { region.hasPrefix($0.0) }?.1 ?? "aws"
    }

    static func name(ofRole arn: String) -> String {
        String(arn.split(separator: ":", maxSplits: 2).dropFirst().first ?? "")
    }

    /// A region of a partition, to be written in place of another.
    static func exampleRegion(of partition: String) -> String? {
        [
            "aws": "us-east-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1", "aws-eusc": "eusc-de-east-1",
            "aws-iso": "us-iso-east-1", "aws-iso-b": "us-isob-east-1", "aws-iso-e": "eu-isoe-west-1",
            "aws-iso-f": "us-isof-south-1",
        ][partition]
    }
}

extension Character {
    fileprivate var isLetterOrDigit: Bool { isLetter || isNumber }
}
