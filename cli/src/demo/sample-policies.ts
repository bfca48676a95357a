/** The policies that are in force in the demo. */
export const samplePolicies = `@id("where") @reason("Say which rows: a DELETE or UPDATE needs a WHERE clause.")
forbid (principal in Group::"agents", action in Action::"postgres", resource)
when { context.statements.containsAny(["delete", "update"]) && !context.hasWhere };

@id("production") @approval("dba") @reason("Changes in production need a database administrator.")
forbid (principal in Group::"agents", action, resource)
when { resource.environment == "production" && context.effects.contains("write") };

// The list targets: in countersign.yaml grants what support-bot may use at all. A permit alone, as these, lets nobody connect; they add a limit and masks.
@id("mail") @limit("requests 5 per 1h")
permit (principal in Group::"agents", action == Action::"http.request", resource == Target::"mail");

// Lists come masked, one row alone as it is. A subquery can put more into one row; whatever was read is followed in any case.
@id("lists") @mask("email, card:last4")
permit (principal in Group::"agents", action in Action::"postgres", resource == Target::"shop")
unless { action == Action::"postgres.connect" || context.rowsLimit == 1 };

@id("output") @mask("email")
permit (principal in Group::"agents", action in [Action::"ssh", Action::"redis"], resource)
unless { action == Action::"ssh.connect" || action == Action::"redis.connect" };

@id("reads") @reason("Agents only read at the depot and in carts.")
forbid (principal in Group::"agents", action in [Action::"ssh", Action::"redis"], resource)
unless { ["read"].containsAll(context.effects) };

@id("names") @mask("email, card:last4") @mask_request("customer:pseudonym")
permit (principal in Group::"agents", action in Action::"llm", resource == Target::"model")
unless { action == Action::"llm.connect" };

@id("stays") @reason("That is a customer's address: it stays in the house.")
forbid (principal in Group::"agents", action, resource)
when { resource.zone == "outside" && context.carries.contains("email") };
`;

/** A stricter set, which is tried on what was recorded. */
export const stricterPolicies = `@id("read-only") @reason("Agents only read.")
forbid (principal in Group::"agents", action, resource)
unless { ["read"].containsAll(context.effects) };
`;
