/** The policies that are in force in the demo. */
export const samplePolicies = `@id("where") @reason("Say which rows: a DELETE or UPDATE needs a WHERE clause.")
forbid (principal in Group::"agents", action in Action::"postgres", resource)
when { context.statements.containsAny(["delete", "update"]) && !context.hasWhere };

@id("production") @approval("dba") @reason("Changes in production need a database administrator.")
forbid (principal in Group::"agents", action, resource)
when { resource.environment == "production" && context.effects.contains("write") };

// support-bot may use mail at all because targets: grants it in countersign.yaml. A permit alone, as this one, lets nobody connect; it adds the limit.
@id("mail") @limit("requests 5 per 1h")
permit (principal in Group::"agents", action == Action::"http.request", resource == Target::"mail");
`;

/** A stricter set, which is tried on what was recorded. */
export const stricterPolicies = `@id("read-only") @reason("Agents only read.")
forbid (principal in Group::"agents", action, resource)
unless { ["read"].containsAll(context.effects) };
`;
